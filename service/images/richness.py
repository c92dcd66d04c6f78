"""The maps of FRS's score S that jobs drew of a few images of val, by image and level."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.artifacts import ArtifactMissingError
from service.comparison.match_files import UnreadableFileError
from service.db.models import Artifact
from service.images.reader import Reader
from service.images.runs import INDEX, artifacts_named

_VIEW = re.compile(r"richness_(p\d{1,2})")
SPLIT = "val"


class _Picture(BaseModel):
    id: int
    name: str
    files: dict[str, str]


class _Index(BaseModel):
    images: list[_Picture]


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What a job's index says it drew: names of files by image and level."""

    names: Mapping[int, str]
    files: Mapping[int, Mapping[str, str]]

    @property
    def nbytes(self) -> int:
        """In memory, about."""
        return sum(1000 + 200 * len(levels) for levels in self.files.values())


@dataclass(frozen=True, kw_only=True)
class RichnessMaps:
    """`names` of the images that have maps; `artifacts` by image and level, the finest level first."""

    names: Mapping[int, str]
    artifacts: Mapping[int, Mapping[str, Artifact]]


def richness_maps(
    session: Session, reader: Reader, experiment_id: str, *, prefer: str | None = None
) -> RichnessMaps:
    """The maps that the job `prefer` drew, or the first that drew some: S is the teacher's, the same in all.

    Nothing where no job did, or where what it drew can no longer be read.
    """
    indices = sorted(artifacts_named(session, experiment_id, INDEX), key=lambda row: row.job_id != prefer)
    for index in indices:
        try:
            drawn = reader.read(Drawn, index, _parse)
        except (UnreadableFileError, ArtifactMissingError):
            continue  # another job has the same maps
        if drawn.files:
            return _stored(session, index.job_id, drawn)
    return RichnessMaps(names={}, artifacts={})


def _parse(content: bytes) -> Drawn:
    try:
        index = _Index.model_validate_json(content)
    except ValidationError as error:
        raise UnreadableFileError("is not an index of pictures") from error
    files = {picture.id: _levels(picture.files) for picture in index.images}
    kept = {image_id: levels for image_id, levels in files.items() if levels}
    return Drawn(
        names={picture.id: picture.name for picture in index.images if picture.id in kept}, files=kept
    )


def _levels(files: Mapping[str, str]) -> dict[str, str]:
    found = {match[1]: name for view, name in files.items() if (match := _VIEW.fullmatch(view))}
    return dict(sorted(found.items(), key=lambda pair: int(pair[0][1:])))


def _stored(session: Session, job_id: str, drawn: Drawn) -> RichnessMaps:
    names = [name for levels in drawn.files.values() for name in levels.values()]
    rows: Sequence[Artifact] = session.scalars(
        select(Artifact).where(Artifact.job_id == job_id, Artifact.name.in_(names))
    ).all()
    by_name = {row.name: row for row in rows}
    return RichnessMaps(
        names=drawn.names,
        artifacts={
            image_id: {level: by_name[name] for level, name in levels.items() if name in by_name}
            for image_id, levels in drawn.files.items()
        },
    )
