"""The key by which two jobs that must give the same result are known."""

from functools import cache
from importlib.metadata import version

from frs_core.spec import JobSpec, canonical_hash

DISTRIBUTION = "frs-distill"


@cache
def code_version() -> str:
    """The version of this package."""
    return version(DISTRIBUTION)


def job_key(spec: JobSpec, *, dataset_hash: str | None, teacher_hash: str | None) -> str:
    """Hash of the specification without names and labels, the data, the teacher's weights and the code.

    For a teacher that is yet to be trained, `teacher_hash` is the key of the job that trains it. A hash is
    None where the data cannot be seen or the teacher's weights are a path, which the specification holds.
    """
    plain = spec.model_dump(mode="json", exclude={"name", "tags", "submitted_by"})
    if plain["method"] is not None:
        del plain["method"]["label"]
    return canonical_hash(
        {"spec": plain, "dataset": dataset_hash, "teacher": teacher_hash, "code": code_version()}
    )
