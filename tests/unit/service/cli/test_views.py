from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from service.cli import words
from service.cli.comparison_table import ComparisonView
from service.cli.progress import ProgressView, plain_line, visible_jobs
from service.client import Comparison, ComparisonRow, Experiment, Job, Statistic

START = datetime(2026, 1, 1, tzinfo=UTC)


def job(state: str, label: str = "frs", **more: object) -> Job:
    return Job.model_validate(
        {"id": label, "kind": "distill", "role": "student", "label": label, "name": label, "seed": 0}
        | {"state": state, **more}
    )


def experiment(*jobs: Job) -> Experiment:
    return Experiment(id="e123456789", name="blood", state="running", created_at=START, num_jobs=1, jobs=jobs)


def row(label: str, n: int, ap: float | None, **more: object) -> ComparisonRow:
    sd = 0.0123 if n > 1 else None
    metrics = {key: Statistic(mean=ap, sd=sd, n=n) for key in ("ap", "ap50", "ap75", "ap_s", "ap_m", "ap_l")}
    return ComparisonRow.model_validate(
        {"label": label, "role": "student", "seeds": range(n), "metrics": metrics, **more}
    )


def drawn(view: object, width: int, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(view)
    return capture.get().splitlines()


COMPARISON = Comparison(
    experiment="e",
    baseline="none",
    split="test",
    rows=(
        row("teacher", 1, 0.41234, role="teacher"),
        row("none", 3, 0.31234, delta_ap=0.0, gap_closed=0.0),
        row("frs", 3, 0.33512, delta_ap=0.02278, delta_ap_sd=0.0041, gap_closed=1.234),
        row("frs-strong", 1, None),
    ),
    warnings=("Only one seed of frs-strong.",),
)


def test_the_comparison_shows_points_spread_and_differences() -> None:
    lines = drawn(ComparisonView(COMPARISON), 140)
    frs = next(line for line in lines if line.startswith("frs ")).split("  ")
    assert [cell.strip() for cell in frs if cell.strip()] == [
        "frs", "3", *["33.5 ± 1.2"] * 6, "+2.3 ± 0.4", "123 %",
    ]  # fmt: skip
    teacher = next(line for line in lines if line.startswith("teacher")).split()
    assert teacher == ["teacher", "1", *["41.2"] * 6, "–", "–"]
    assert any("split test" in line for line in lines)
    assert any("Only one seed of frs-strong." in line for line in lines)


def test_the_narrow_comparison_keeps_every_column_and_the_spread_of_ap() -> None:
    lines = drawn(ComparisonView(COMPARISON), 80)
    assert max(map(len, lines)) <= 80
    frs = next(line for line in lines if line.startswith("frs "))
    assert frs.split() == [
        "frs",
        "3",
        *["33.5", "±", "1.2"],
        *["33.5"] * 5,
        *["+2.3", "±", "0.4", "123", "%"],
    ]


def test_a_missing_number_is_a_dash_and_never_a_zero() -> None:
    strong = next(line for line in drawn(ComparisonView(COMPARISON), 140) if line.startswith("frs-strong"))
    assert strong.split() == ["frs-strong", "1", *["–"] * 7, "n/a"]


@pytest.mark.parametrize("width", [80, 140])
def test_progress_fits_the_width_and_keeps_its_numbers(width: int) -> None:
    view = ProgressView(
        experiment(
            job("running", "l" * 100, epoch=3, total_epochs=8, latest_loss=1.23456, latest_ap=0.1234,
                eta_seconds=4000, step=3, total_steps=8),
        )
    )  # fmt: skip
    lines = drawn(view, width)
    assert max(map(len, lines)) <= width
    assert lines[2].split()[-4:] == ["3/8", "1.235", "12.3", "1:06:40"]


def test_a_finished_job_shows_what_it_took_and_a_failed_one_why() -> None:
    ended = START + timedelta(seconds=75)
    done = job("succeeded", "none", started_at=START, finished_at=ended)
    failed = job("failed", reason="the folder does not exist", reason_field="dataset.root")
    text = "\n".join(drawn(ProgressView(experiment(done, failed)), 140))
    assert "took 1:15" in text
    assert "frs · seed 0: dataset.root: the folder does not exist" in text


def test_phases_and_wishes_replace_the_bare_word_running() -> None:
    text = "\n".join(
        drawn(
            ProgressView(
                experiment(
                    job("running", "a", phase="evaluating"),
                    job("running", "b", phase="training"),
                    job("running", "c", phase="training", desired_state="cancel"),
                )
            ),
            140,
        )
    )
    assert [word in text for word in ("evaluating", "running", "cancelling", "training")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_where_lines_are_few_what_runs_and_what_failed_is_kept() -> None:
    jobs = [
        job("succeeded", "a"),
        job("queued", "b"),
        job("running", "c"),
        job("failed", "d"),
        job("queued", "e"),
    ]
    shown, hidden = visible_jobs(jobs, 3)
    assert [item.label for item in shown] == ["a", "c", "d"]
    assert [item.label for item in hidden] == ["b", "e"]
    lines = drawn(ProgressView(experiment(*jobs)), 140, height=11)
    assert any("… and 2 more: 2 queued" in line for line in lines)
    everything = drawn(ProgressView(experiment(*jobs), all_jobs=True), 140, height=11)
    assert not any("more" in line for line in everything)


def test_a_plain_line_says_what_a_terminal_would_show() -> None:
    line = plain_line(
        job(
            "running",
            epoch=1,
            total_epochs=8,
            phase="training",
            latest_loss=0.5,
            latest_ap=0.1,
            eta_seconds=5,
        )
    )
    assert line == "frs · seed 0  running  training  epoch 1/8  loss 0.5  AP 10.0  ETA 0:05"


@pytest.mark.parametrize(
    ("reason", "field", "expected"),
    [("bad root", "dataset.root", "dataset.root: bad root"), ("root is bad", "root", "root is bad"),
     (None, None, "")],
)  # fmt: skip
def test_a_reason_names_its_field_once(reason: str | None, field: str | None, expected: str) -> None:
    assert words.reason(job("failed", reason=reason, reason_field=field)) == expected


@pytest.mark.parametrize(
    ("passed", "expected"), [(3, "just now"), (-9, "just now"), (3700, "1 h ago"), (200_000, "2 d ago")]
)
def test_ages_are_in_one_unit(passed: int, expected: str) -> None:
    assert words.age(START, START + timedelta(seconds=passed)) == expected


def test_what_was_expected_is_the_last_column() -> None:
    rows = (COMPARISON.rows[0], COMPARISON.rows[2].model_copy(update={"expected_ap": 0.397}))
    lines = drawn(ComparisonView(COMPARISON.model_copy(update={"rows": rows})), 160)
    assert [lines[index].split()[-1] for index in (0, 1, 2)] == ["expected", "–", "39.7"]
    assert "expected: AP on val" in " ".join(lines)
    assert "expected" not in " ".join(drawn(ComparisonView(COMPARISON), 160))


def test_the_verdict_comes_first_and_intervals_stand_beside_their_differences() -> None:
    frs = COMPARISON.rows[2].model_copy(update={"delta_ap_interval": (-0.004, 0.0251)})
    rows = (*COMPARISON.rows[:2], frs)
    compared = COMPARISON.model_copy(update={"rows": rows, "verdict": "frs +2.3 AP over none."})
    lines = drawn(ComparisonView(compared), 170)
    assert lines[0] == "frs +2.3 AP over none."
    cells = next(line for line in lines[1:] if line.startswith("frs ")).split("  ")
    assert [cell.strip() for cell in cells if cell.strip()][-3:] == ["+2.3 ± 0.4", "-0.4 to +2.5", "123 %"]
    assert "95 %" not in " ".join(drawn(ComparisonView(COMPARISON), 170))
