"""README and docs say nothing that is not there: links, commands, options, settings, modules, examples.

What the guide's commands do is tried by tests/e2e/test_guide.py.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from frs_core.spec import ExperimentSpec
from service.cli.main import app
from service.settings import Settings
from tests.guide import Block, Command, blocks, fits, pages

ROOT = Path(__file__).parents[2]
GUIDE = pages(ROOT)
DOCUMENTS = [*GUIDE, *sorted((ROOT / "docs").glob("*/*.md"))]

NOT_RUN = [
    ("README.md", "installs, and trains for 35 minutes; the tutorial's test runs the same with --smoke"),
    ("README.md", "installs PyTorch, trains the demo, runs this test"),
    ("docs/backup.md", "no container engine was at hand"),
    ("docs/backup.md", "names a server of yours"),
    ("docs/clients.md", "names a server of yours"),
    ("docs/deploy.md", "names servers of yours; the test sets its own"),
    ("docs/integrations.md", "needs a receiver"),
    ("docs/integrations.md", "needs finished jobs"),
    ("docs/operate.md", "no container engine was at hand"),
    ("docs/operate.md", "no container engine was at hand"),
    ("docs/tutorial.md", "installs PyTorch"),
    ("docs/tutorial.md", "fetches the photographs; the test puts a few of them at data/bccd"),
    ("docs/tutorial.md", "trains for 35 minutes"),
    ("docs/tutorial.md", "trains four more students"),
]
"""Every block of the guide that nobody types, and why."""

CLIENT_SETTINGS = {"FRS_URL", "FRS_API_KEY", "FRS_TIMEOUT_SECONDS", "FRS_SECRETS_DIR"}
COMPOSE = re.compile(r"\$\{(FRS_\w+)")


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=names)


PAGE = """Text.

```console
$ frs up \\
    --detach
ready ...
$ frs down
```

<!-- not run: because -->
```python
# a/b.py
```
"""


def test_a_page_is_read_as_its_readers_do(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    shell, shown = blocks(tmp_path / "page.md", tmp_path)
    assert (shell.line, shell.reason, shell.file) == (3, None, None)
    assert shell.commands == [
        Command(text="frs up \\\n    --detach", output="ready ..."),
        Command(text="frs down"),
    ]
    assert (shown.reason, shown.file, shown.commands) == ("because", "a/b.py", [])


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("ready  http://127.0.0.1:...", "ready http://127.0.0.1:8000\n", True),
        ("a\n...\nb", "a\nx\n\ny\nb", True),
        ("a\n...\nb", "a\nb", True),
        ("ready", "not ready", False),
        ("ready", "ready\nerror", False),
        ("a.b", "axb", False),
    ],
)
def test_output_is_compared_but_for_what_is_left_open(expected: str, output: str, same: bool) -> None:
    assert fits(expected, output) is same


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("submit FILE --smoke", None),
        ("submit FILE --smok", "--smok"),
        ("sumbit FILE", "sumbit"),
        ("key create --name you --local", None),
        ("key make", "make"),
        ("show @latest --role=x", "--role=x"),
    ],
)
def test_a_command_that_is_not_there_is_found(words: str, fault: str | None) -> None:
    assert unknown(words.split()) == fault


def test_what_is_not_run_is_known() -> None:
    found = [(block.page, block.reason) for page in GUIDE for block in blocks(page, ROOT) if block.reason]
    assert found == NOT_RUN


def test_a_reason_stands_right_above_its_block() -> None:
    for page in GUIDE:
        counted = sum(1 for block in blocks(page, ROOT) if block.reason)
        assert page.read_text().count("<!-- not run") == counted, names(page)


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        assert file.exists(), f"{names(document)} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{names(document)} links to {target}"


def anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def typed(document: Path) -> Iterator[list[str]]:
    """The words of each `frs` command that a document shows in a block or in a line."""
    text = document.read_text().replace("\\\n", " ")
    found = re.findall(r"`(frs [^`\n]+)`", text)
    for block in blocks(document, ROOT):
        if block.language in ("console", "bash", "sh"):
            found += re.findall(r"(?:^|[\s(\"])(frs [a-z][^|;&)\n]*)", block.text, re.MULTILINE)
    for command in found:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.quotes = True, "\"'"
        try:
            yield list(lexer)[1:]
        except ValueError:  # cut inside quotes: what comes before them is enough
            yield command.split()[1:]


@every_document
def test_commands_and_options_are_there(document: Path) -> None:
    for words in typed(document):
        fault = unknown(words)
        assert fault is None, f"{names(document)}: frs {' '.join(words)}: {fault}"


def unknown(words: list[str]) -> str | None:
    """The first word that names no command or option; None where all do."""
    command = typer.main.get_command(app)
    options = set(options_of(command))
    for word in words:
        commands = getattr(command, "commands", {})
        if commands and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in commands:
                return word
            command = commands[word]
            options |= set(options_of(command))
        elif re.match(r"--?[a-z]", word) and word.partition("=")[0] not in options:
            return word
    return None


def options_of(command: Any) -> Iterator[str]:
    yield from ("--help", "-h", "--install-completion", "--show-completion")
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


@every_document
def test_settings_are_there(document: Path) -> None:
    known = {f"FRS_{name.upper()}" for name in Settings.model_fields} | CLIENT_SETTINGS
    known |= set(COMPOSE.findall((ROOT / "docker-compose.yml").read_text()))
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
    for name in set(re.findall(r"\bFRS_[A-Z][A-Z_]+[A-Z]\b", document.read_text())) - known:
        assert name in tests, f"{names(document)} names {name}"


@every_document
def test_modules_and_make_targets_are_there(document: Path) -> None:
    text = document.read_text()
    for module in set(re.findall(r"python -m ((?:frs_core|service|workers|migrations|tests)[\w.]*)", text)):
        path = ROOT / module.rstrip(".").replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= targets


def pieces() -> list[Block]:
    """Blocks of YAML: experiments, and parts of them."""
    return [block for page in GUIDE for block in blocks(page, ROOT) if block.language == "yaml"]


@pytest.mark.parametrize("block", pieces(), ids=lambda block: f"{Path(block.page).name}:{block.line}")
def test_what_is_shown_of_an_experiment_may_stand_in_one(block: Block) -> None:
    shown = yaml.safe_load(block.text)
    if block.file is not None and (ROOT / block.file).exists():
        assert shown == yaml.safe_load((ROOT / block.file).read_text())
    whole = {**yaml.safe_load((ROOT / "examples" / "bccd.yaml").read_text()), **shown}
    if "root" in whole["dataset"]:
        whole["dataset"]["root"] = "/absolute"
    ExperimentSpec.model_validate(whole)


def test_the_tutorial_quotes_what_was_measured() -> None:
    tutorial, measured = ((ROOT / "docs" / name).read_text() for name in ("tutorial.md", "results/bccd.md"))
    rows = re.findall(r"^\| (?:teacher|none|frs) \|.*$", tutorial, re.MULTILINE)
    assert len(rows) == 3
    assert all(row in measured for row in rows)
