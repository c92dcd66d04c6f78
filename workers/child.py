"""`python -m workers.child WORKDIR`: runs the one job of WORKDIR/job.yaml and ends.

It knows no database, broker or store: it writes `events.jsonl` and files in its work folder, and its
supervisor reads them. Exit codes: 0 succeeded, 1 failed, 75 stopped with its state saved.
"""

import argparse
import os
import sys
from pathlib import Path

import yaml

from frs_core.context import local_context
from frs_core.processes import needs_launch
from frs_core.spec import read_spec
from frs_core.weights.sources import WeightsSources
from workers.child_log import begin_child_log
from workers.parentage import die_with_parent

JOB_FILE = "job.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run the job of a work folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers.child", description=main.__doc__)
    parser.add_argument("workdir", type=Path, help="folder with job.yaml, for events and files")
    parser.add_argument("--resume-from", type=Path, help="a state checkpoint to continue from")
    parser.add_argument("--weights-mirror", type=Path, help="folder of published weights")
    parser.add_argument("--weights-host", action="append", default=[], help="a host to fetch them from")
    parser.add_argument(
        "--weights-private-host", action="append", default=[], help="one of them that is no public one"
    )
    parser.add_argument("--cache-dir", type=Path, help="where the jobs of this host keep teachers' outputs")
    parser.add_argument("--parent", type=int, help="pid of the supervisor, without which this process dies")
    chosen = parser.parse_args(arguments)
    if chosen.parent is not None:
        die_with_parent(chosen.parent)
    begin_child_log(chosen.workdir.absolute())
    mirror = chosen.weights_mirror or chosen.workdir.absolute() / "downloads"
    context = local_context(
        chosen.workdir.absolute(),
        resume_from=chosen.resume_from,
        sources=WeightsSources(
            mirror=mirror,
            hosts=tuple(chosen.weights_host),
            private_hosts=tuple(chosen.weights_private_host),
        ),
        cache_dir=chosen.cache_dir,
        supervised=True,
    )
    context.catch_signals()
    spec = read_spec(yaml.safe_load((chosen.workdir / JOB_FILE).read_text()))
    # Seconds of imports, in which TERM is heard already.
    if needs_launch(spec):
        from frs_core.launch import launch

        given = sys.argv[1:] if arguments is None else arguments
        command = [*given, "--parent", str(os.getpid())]
        return launch(context, "workers.child", command, num_processes=spec.resources.processes)
    from frs_core.run import forget_foreign_state, run_and_report

    forget_foreign_state(spec, context)
    return run_and_report(spec, context)


if __name__ == "__main__":
    sys.exit(main())
