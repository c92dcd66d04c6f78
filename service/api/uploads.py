"""Pictures that come with a request: checked for what they are, and stored under names of ours."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from frs_core.errors import PictureError
from frs_core.prediction.pictures import SUFFIXES, pixels_of
from frs_core.spec import Picture
from service.api.problems import clean, fault, invalid
from service.artifacts import ArtifactStore, object_key, remove_unnamed
from service.jobs.errands import InputFile

MAX_UPLOADS = 100
FOLDER = "inputs"


class Uploads:
    """The pictures of one request, each a name that the client gave and its bytes."""

    def __init__(self, pictures: Sequence[tuple[str, bytes]] = ()) -> None:
        self.pictures = tuple(pictures)
        self.stored: list[InputFile] = []

    def checked(self) -> tuple[Picture, ...]:
        """What a specification says of them. Raises ProblemError (422) where one is no picture."""
        if len(self.pictures) > MAX_UPLOADS:
            message = f"at most {MAX_UPLOADS} pictures at a time: send fewer, or give a `path`"
            raise invalid(fault("images", message, len(self.pictures)))
        return tuple(self._checked(number, *picture) for number, picture in enumerate(self.pictures))

    def store(self, store: ArtifactStore, job_id: str) -> None:
        """Put them into the store as files of a job that is yet to be written."""
        for number, (name, content) in enumerate(self.pictures):
            self.stored.append(put(store, job_id, _file(number, name), content))

    def forget(self, store: ArtifactStore) -> None:
        """Take them out again, of a job that was not written."""
        remove_unnamed(store, [stored.uri for stored in self.stored])

    def _checked(self, number: int, name: str, content: bytes) -> Picture:
        shown = clean(PurePosixPath(name.replace("\\", "/")).name, 150) or f"picture {number + 1}"
        try:
            pixels_of(shown, content)
        except PictureError as error:
            raise invalid(fault(f"images.{number}", str(error), shown)) from error
        return Picture(name=shown, file=_file(number, name), sha256=hashlib.sha256(content).hexdigest())


def put(store: ArtifactStore, job_id: str, file: str, content: bytes) -> InputFile:
    """Store bytes as a file of a job that is yet to be written."""
    sha256 = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory(prefix="frs-upload-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        uri = store.put(path, object_key(job_id, 0, sha256, file), sha256)
    return InputFile(file, uri, sha256, len(content))


def _file(number: int, name: str) -> str:
    """A name of ours, with the given one's ending where that is a picture's."""
    suffix = PurePosixPath(name).suffix.lower()
    return f"{FOLDER}/{number + 1:04d}{suffix if suffix in SUFFIXES else ''}"
