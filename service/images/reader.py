"""Reads recorded files from the store, each once while the cache keeps it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from frs_core.match_arrays import MatchArrays
from service.artifacts import ArtifactStore
from service.comparison.match_files import UnreadableFileError
from service.db.models import Artifact
from service.images.cache import Sized, SizedCache
from service.images.files import (
    MAX_FILE_BYTES,
    Matches,
    Predictions,
    Truth,
    parse_matches,
    parse_predictions,
    parse_truth,
)
from service.images.runs import Run

SizedT = TypeVar("SizedT", bound=Sized)


class Reader:
    """What a run found. Raises UnreadableFileError, naming the file, and ArtifactMissingError."""

    def __init__(self, store: ArtifactStore, cache: SizedCache) -> None:
        self._store, self._cache = store, cache

    def matches(self, run: Run) -> MatchArrays:
        """The run's match arrays."""
        return self.read(Matches, run.matches, parse_matches).arrays

    def predictions(self, run: Run) -> Predictions:
        """The run's predictions, which its match arrays refer to."""
        matches, found = self.matches(run), self.read(Predictions, run.predictions, parse_predictions)
        index = matches.detection_index
        fits = not index.size or (
            int(index.min()) >= 0
            and int(index.max()) < len(found.image_id)
            and np.array_equal(found.image_id[index], matches.image_ids[matches.detection_image])
            and np.array_equal(found.label[index], matches.detection_class)
        )
        if not fits:
            raise _unreadable(run.predictions, "is not what its match arrays were made of")
        return found

    def truth(self, runs: Sequence[Run]) -> Truth | None:
        """The annotated boxes, where a run kept them and they are those it was judged by."""
        for run in runs:
            if run.truth is not None:
                found = self.read(Truth, run.truth, parse_truth)
                if found.fits(self.matches(run)):
                    return found
        return None

    def read(self, kind: type[SizedT], artifact: Artifact, parse: Callable[[bytes], SizedT]) -> SizedT:
        """The file as `parse` gives it."""

        def make() -> SizedT:
            with self._store.open(artifact.uri) as file:
                content = file.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise _unreadable(artifact, f"is larger than {MAX_FILE_BYTES} bytes")
            try:
                return parse(content)
            except UnreadableFileError as error:
                raise _unreadable(artifact, str(error)) from error

        return self._cache.get(kind, artifact.sha256, make)


def _unreadable(artifact: Artifact, reason: str) -> UnreadableFileError:
    return UnreadableFileError(f"{artifact.name} of job {artifact.job_id} {reason}")
