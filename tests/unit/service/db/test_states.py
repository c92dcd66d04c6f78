import itertools

import pytest

from service.db.states import MOVES, TERMINAL, JobState, experiment_state

W, Q, R, P, B, S, F, C = (
    JobState.WAITING,
    JobState.QUEUED,
    JobState.RUNNING,
    JobState.PAUSED,
    JobState.BLOCKED,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([Q, W, W], "queued"),
        ([R, W, W], "running"),
        ([S, Q, Q], "running"),
        ([F, Q], "running"),
        ([C, Q], "queued"),
        ([S, S], "succeeded"),
        ([S, F, C], "failed"),
        ([F, B, B], "failed"),
        ([C, B, S], "blocked"),
        ([S, C], "cancelled"),
        ([S, P, F], "paused"),
        ([P, R], "running"),
    ],
)
def test_an_experiments_state_follows_from_its_jobs(jobs: list[JobState], expected: str) -> None:
    for order in itertools.permutations(jobs):
        assert experiment_state(list(order)) == expected


def test_every_state_has_its_moves_and_none_leads_to_itself() -> None:
    assert set(MOVES) == set(JobState)
    assert all(state not in targets for state, targets in MOVES.items())


def test_only_a_queued_job_can_start_to_run() -> None:
    assert [state for state, targets in MOVES.items() if R in targets] == [Q]


def test_what_succeeded_or_was_cancelled_stays_so() -> None:
    assert {state for state in TERMINAL if not MOVES[state]} == {S, C}


def test_every_unfinished_job_can_be_cancelled() -> None:
    assert {state for state, targets in MOVES.items() if C in targets} == set(JobState) - TERMINAL
