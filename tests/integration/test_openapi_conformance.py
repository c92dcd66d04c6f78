"""The API does what its document says, and no more for a role than that may; `make fuzz` asks for longer."""

from collections.abc import Iterator

import pytest

from tests.fuzz.campaign import Outcome, campaign, world_served
from tests.fuzz.world import World

SECONDS = {"none": 8, "viewer": 12, "submitter": 34, "operator": 14, "admin": 28}
"""Those who may change less come first: what is another's must still be there to be tried."""
SEED = 7


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    with world_served(tmp_path_factory.mktemp("conformance") / "world") as found:
        yield found


@pytest.mark.parametrize("role", SECONDS)
def test_every_answer_is_documented_and_for_this_role(served: tuple[World, str], role: str) -> None:
    world, url = served
    outcome = _asked(world, url, role)
    assert outcome.is_clean, [*outcome.errors, *outcome.findings.items()]
    assert outcome.operations  # how many in this time depends on the machine; `make fuzz` asks all
    assert outcome.statuses[_usual(role)] > 0, outcome.statuses


def _usual(role: str) -> int:
    return 401 if role == "none" else 200


def _asked(world: World, url: str, role: str) -> Outcome:
    """Each operation has a share of the time; on a busy machine it can end before anything was answered."""
    for times in (1, 4, 16):
        outcome = campaign(world, url, role, seconds=times * SECONDS[role], seed=SEED)
        if not outcome.is_clean or outcome.statuses[_usual(role)]:
            break
    return outcome
