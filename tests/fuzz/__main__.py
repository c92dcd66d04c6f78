"""`python -m tests.fuzz --minutes 30`: prints what was asked and found, and ends with 1 for a finding."""

import argparse
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from tests.fuzz.campaign import ROLES, Outcome, campaign, world_served

SHARES = {"none": 0.05, "viewer": 0.15, "submitter": 0.35, "operator": 0.15, "admin": 0.3}
"""Of the time; the roles by which most is reached get most."""


def main() -> int:
    """Run each role's share of the time."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=ROLES)
    parser.add_argument("--folder", type=Path, help="keeps databases and the servers' logs; empty at first")
    asked = parser.parse_args()
    print(f"schemathesis {version('schemathesis')}, hypothesis {version('hypothesis')}, seed {asked.seed}")
    total = sum(SHARES[role] for role in asked.roles)
    clean = True
    with tempfile.TemporaryDirectory() as spare:
        for role in asked.roles:
            seconds = max(1, round(60 * asked.minutes * SHARES[role] / total))
            started = time.monotonic()
            with world_served((asked.folder or Path(spare)) / role) as (world, url):
                outcome = campaign(world, url, role, seconds=seconds, seed=asked.seed)
            tell(outcome, time.monotonic() - started)
            clean = clean and outcome.is_clean
    return 0 if clean else 1


def tell(outcome: Outcome, seconds: float) -> None:
    """Print what came of a role's run."""
    statuses = json.dumps(dict(sorted(outcome.statuses.items())))
    print(
        f"\n{outcome.role}: {outcome.num_cases} requests to {len(outcome.operations)} operations in "
        f"{seconds:.0f} s, answers {statuses}, {len(outcome.findings)} findings"
    )
    for error in outcome.errors:
        print(f"  could not go on: {error}")
    for (operation, check, title), told in sorted(outcome.findings.items()):
        print(f"  {operation} | {check} | {title}")
        print("".join(f"      {line}\n" for line in told.strip().splitlines()[:14]), end="")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
