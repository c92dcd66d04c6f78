"""The key by which two jobs that must give the same result are known."""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ImportSpec, JobSpec, PlanSpec, PredictSpec, PreflightSpec, ScoreSpec, canonical_hash
from frs_core.weights.reference import ZOO, is_address, parse_address
from service.db.types import is_id

DISTRIBUTION = "frs-distill"


@cache
def code_version() -> str:
    """The version of this package."""
    return version(DISTRIBUTION)


def data_hash(report: DatasetReport | None) -> str | None:
    """What the data set is known by, where the server has seen it."""
    return None if report is None else report.dataset_hash


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a job's key is made of besides its specification.

    For a teacher that is yet to be trained, `teacher_hash` is the key of the job that trains it. A hash is
    None where the data cannot be seen or the teacher's weights are a path, which the specification holds.
    """

    dataset_hash: str | None
    teacher_hash: str | None

    def of(self, spec: JobSpec) -> str:
        """Hash of the specification without names and labels, of data, teacher's weights and code.

        A job that reads no teacher is the same under each.
        """
        plain = spec.model_dump(mode="json", exclude={"name", "tags", "submitted_by"})
        teacher_hash = self.teacher_hash
        if plain["method"] is not None:
            del plain["method"]["label"]
            if not spec.needs_teacher:
                plain["teacher"] = teacher_hash = None
        parts = {"dataset": self.dataset_hash, "teacher": teacher_hash, "code": code_version()}
        return canonical_hash({"spec": plain, **parts})

    def say_all(self, spec: JobSpec) -> bool:
        """Whether nothing that the result hangs on can change while the key stays the same."""
        teacher = None if spec.teacher is None else spec.teacher.checkpoint
        return self.dataset_hash is not None and _is_fixed(spec.checkpoint) and _is_fixed(teacher)


def errand_key(
    spec: JobSpec | PredictSpec | PlanSpec | PreflightSpec | ScoreSpec | ImportSpec,
) -> str:
    """Of a job whose result is never reused: it trains nothing."""
    plain = spec.model_dump(mode="json", exclude={"name", "tags", "submitted_by"})
    return canonical_hash({"spec": plain, "code": code_version()})


def _is_fixed(reference: str | None) -> bool:
    """Whether weights of that name are always the same: stored or published under their hash."""
    if reference is None or reference == ZOO or is_id(reference):
        return True
    return is_address(reference) and parse_address(reference).sha256_prefix is not None
