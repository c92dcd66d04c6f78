# A newcomer's two commands are `make demo` and `make test`. Everything runs inside .venv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
EXTRAS ?= dev
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint requirements.lock
# Tests start many processes on few cores: one thread each.
THREADS := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1}
# Many tests wait for processes: three run at once on two cores. The tests of one file share what they start.
PARALLEL := -n $${FRS_TEST_PROCESSES:-3} --dist loadfile

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo up test test-all test-mlflow chaos fuzz check audit format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# mmcv asks for opencv-python, whose windows need libGL; the headless build, laid over it, needs nothing.
$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "FRS Distill needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1 || echo missing)." \
	       "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing into .venv (a few minutes the first time)"
	@$(PIP_INSTALL) --editable '.[$(EXTRAS)]'
	@if $(BIN)/python -m pip show --quiet opencv-python 2> /dev/null; then \
	  $(PIP_INSTALL) --no-deps --force-reinstall opencv-python-headless; fi
	@touch $@

install: $(INSTALLED) ## install into .venv only; EXTRAS=server or worker for less than everything

demo: $(INSTALLED) ## train a small teacher and its students on generated images, and compare them
	@$(BIN)/frs demo examples/demo.yaml

up: $(INSTALLED) ## start the embedded system and keep it running
	@$(BIN)/frs up

test: $(INSTALLED) ## run the test suite
	@$(THREADS) $(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-all: $(INSTALLED) ## run the test suite and the slow matrices
	@$(THREADS) $(BIN)/python -m pytest $(PARALLEL)

# In an environment of its own: MLflow asks for other versions than the locked ones.
test-mlflow: $(INSTALLED) ## run the tests of the MLflow mirror against a real server
	@test -x build/mlflow/bin/mlflow || { echo "Installing MLflow into build/mlflow (a few minutes the first time)"; \
	  $(PYTHON) -m venv build/mlflow; build/mlflow/bin/python -m pip install --quiet mlflow; }
	@FRS_TEST_MLFLOW_PYTHON=$(CURDIR)/build/mlflow/bin/python $(THREADS) \
	  $(BIN)/python -m pytest tests/integration/test_mlflow.py

chaos: $(INSTALLED) ## hurt a whole system on purpose; ARGS="--jobs 300 --faults 1000 --seed 7" for more
	@$(THREADS) $(BIN)/python -m tests.chaos.soak --jobs 40 --real 4 --faults 100 $(ARGS)

fuzz: $(INSTALLED) ## ask the whole API for odd things as each role; ARGS="--minutes 5 --seed 7" for another run
	@$(THREADS) $(BIN)/python -m tests.fuzz --minutes 30 $(ARGS)

check: $(INSTALLED) ## check format, lint, types, security, imports, migrations, zoo index, compose file and lock
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive frs_core service workers migrations
	@$(BIN)/lint-imports
	@$(BIN)/python -m pip check
	@$(THREADS) $(BIN)/python -m frs_core.zoo.generate --check
	@$(BIN)/python -m pytest --quiet tests/repository

# In an environment of its own: what asks about the locked versions is not among them. Never gates anything.
# It fails where it finds something, and where it could ask about none: silence must not look like health.
audit: ## ask PyPI for known vulnerabilities of the locked versions; ARGS="--vulnerability-service osv" asks OSV
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit; \
	  build/audit/bin/python -m pip install --quiet pip-audit; }
	@rm -f build/audit/found.json
	@build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --progress-spinner off \
	  --format json --output build/audit/found.json $(ARGS) 2> build/audit/log || test -s build/audit/found.json \
	  || { cat build/audit/log >&2; exit 1; }
	@build/audit/bin/python -c 'import json, sys; \
	  told = json.load(open("build/audit/found.json"))["dependencies"]; \
	  asked = [each for each in told if "skip_reason" not in each]; \
	  found = [(each["name"], each["version"], v["id"], *v["fix_versions"]) for each in asked for v in each["vulns"]]; \
	  print(*map(" ".join, found), sep="\n", end="\n" if found else ""); \
	  print(f"{len(found)} known vulnerabilities; asked about {len(asked)} of {len(told)} locked versions"); \
	  sys.exit(bool(found) or not asked)'

format: $(INSTALLED) ## format the code and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .
	@$(BIN)/ruff check .

lock: ## write requirements.lock from the newest releases that pyproject.toml allows
	@rm -rf build/lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --upgrade pip
	@build/lock/bin/python -m pip install --quiet 'torch==2.13.0' --editable '.[dev]'
	@{ echo "# Written by make lock: every version that make and the images install. Used as pip constraints."; \
	   build/lock/bin/python -m pip freeze --all --exclude-editable \
	     | sed -E 's/\+cpu$$//' | grep -viE '^(pip|nvidia-|cuda-|triton|torch-c-dlpack)'; } > requirements.lock
	@rm -rf build/lock
	@wc -l requirements.lock

clean: ## delete .venv and caches; keeps data/
	@rm -rf .venv .demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
