"""What the kernel says of processes it ended."""

from pathlib import Path

from workers.memory import num_oom_kills


def test_the_first_place_that_knows_is_asked(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 3\n")
    (tmp_path / "memory.events").write_text("low 0\noom 5\noom_kill 4\noom_group_kill 0\n")
    absent = tmp_path / "absent"
    assert num_oom_kills((absent, tmp_path / "memory.events", tmp_path / "vmstat")) == 4
    assert num_oom_kills((absent, tmp_path / "vmstat")) == 3
    assert num_oom_kills((absent,)) is None
