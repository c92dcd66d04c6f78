"""What processes of one worker see of each other."""

import os
from collections.abc import Callable

import pytest

from workers.board import Board


def in_fork(action: Callable[[], bool]) -> bool:
    """Whether the action is true in a forked process."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if action() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_what_one_process_writes_the_others_see() -> None:
    board = Board()
    assert board.worker_id is None
    assert in_fork(lambda: not board.draining)
    board.drain()
    board.worker_id = "0123456789abcdef"
    assert in_fork(lambda: board.draining and board.worker_id == "0123456789abcdef")


def test_a_slot_is_idle_but_while_it_works() -> None:
    board = Board()
    with board.at_work(1):
        assert board.idle(3) == [0, 2]
    with pytest.raises(ZeroDivisionError), board.at_work(0):
        _ = 1 // 0
    assert board.idle(3) == [0, 1, 2]


def test_a_process_that_takes_over_clears_the_slot_of_a_killed_one() -> None:
    board = Board()

    def die_at_work() -> bool:
        with board.at_work(0):
            os._exit(0)

    assert in_fork(die_at_work)
    assert board.idle(1) == []
    board.clear(0)
    assert board.idle(1) == [0]


def test_slots_share_the_gpus_and_give_them_back() -> None:
    board = Board(num_gpus=4)

    def take(slot: int, count: int) -> bool:
        with board.choosing_gpus() as free:
            board.hold(slot, free[:count])
        return len(free) >= count

    with board.at_work(2):
        assert in_fork(lambda: take(0, 3))
        assert board.free_gpus == [3]
        assert in_fork(lambda: take(2, 1))
        assert board.free_gpus == []
    assert board.free_gpus == [3]
    board.clear(0)
    assert board.free_gpus == [0, 1, 2, 3]


def test_one_process_at_a_time_chooses_gpus_and_a_dead_one_does_not_hold_the_others_up() -> None:
    board = Board(num_gpus=1)
    choosing, other = os.pipe(), os.pipe()
    if os.fork() == 0:
        with board.choosing_gpus():
            os.write(choosing[1], b"x")
            os.read(other[0], 1)
            board.hold(0, [0])
            os._exit(0)
    os.read(choosing[0], 1)
    os.write(other[1], b"x")
    with board.choosing_gpus() as free:
        assert free == []
    os.wait()
