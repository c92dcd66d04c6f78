"""What every report format promises; each file in service/reports is tested here without being named."""

import io
import zipfile

import pytest
from pypdf import PdfReader

from frs_core.events import COCO_METRICS
from service import reports
from service.comparison import RunRecord, compare
from service.reports.material.dossier import Dossier


@pytest.fixture
def dossier() -> Dossier:
    def run(label: str, seed: int, ap: float | None) -> RunRecord:
        return RunRecord(
            job_id=f"{label}{seed}", label=label, method=None if label == "teacher" else "none",
            role="teacher" if label == "teacher" else "student", seed=seed, split="test",
            state="failed" if ap is None else "succeeded", input_size=(320, 240), schedule_hash="s",
            detector_hash="d", metrics=None if ap is None else dict.fromkeys(COCO_METRICS, ap),
        )  # fmt: skip

    runs = [
        run("teacher", 0, 0.5),
        run("none", 0, 0.3125),
        run("naïve méthode", 0, 0.4),
        run("broken", 0, None),
    ]
    return Dossier.of(compare(runs, experiment="k3x9experiment00", name="blood cells"), runs)


def as_text(content: str | bytes) -> str:
    if isinstance(content, bytes) and content.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    if isinstance(content, bytes) and content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read("comparison.md").decode()
    return content if isinstance(content, str) else content.decode("utf-8", errors="replace")


def test_the_formats_that_users_know_are_there():
    assert {"csv", "json", "md"} <= set(reports.names())


def test_an_unknown_format_is_a_key_error():
    with pytest.raises(KeyError):
        reports.get("docx")


@pytest.mark.parametrize("name", reports.names())
class TestEveryFormat:
    def test_says_what_it_is(self, name):
        report = reports.get(name)
        assert report.media_type.count("/") == 1
        assert report.extension
        assert not report.extension.startswith(".")

    def test_renders_the_same_bytes_twice(self, name, dossier):
        assert reports.get(name).render(dossier) == reports.get(name).render(dossier)

    def test_tells_one_comparison_from_another(self, name, dossier):
        changed = Dossier.of(dossier.comparison.model_copy(update={"rows": dossier.comparison.rows[:2]}))
        assert reports.get(name).render(dossier) != reports.get(name).render(changed)

    def test_names_every_row_and_the_experiment(self, name, dossier):
        text = as_text(reports.get(name).render(dossier))
        for expected in ("k3x9experiment00", "teacher", "none", "broken"):
            assert expected in text

    def test_bears_a_comparison_of_nothing(self, name):
        assert reports.get(name).render(Dossier.of(compare([])))
