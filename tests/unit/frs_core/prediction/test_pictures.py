"""Which files are looked at, and how boxes are drawn over them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from frs_core.errors import PictureError
from frs_core.evaluation.drawing import DrawnBox, colour_of, draw_boxes
from frs_core.prediction import pictures


def save(path: Path, width: int = 8, height: int = 6) -> None:
    Image.new("RGB", (width, height)).save(path)


def test_a_folder_gives_its_pictures_by_name_and_a_file_itself(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "deeper").mkdir()
    assert [file.name for file in pictures.pictures_in(tmp_path)] == ["a.jpg", "b.PNG"]
    assert [file.name for file in pictures.pictures_in(tmp_path / "notes.txt")] == ["notes.txt"]


def test_what_holds_no_pictures_or_too_many_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PictureError, match="nothing at"):
        pictures.pictures_in(tmp_path / "absent")
    with pytest.raises(PictureError, match="holds no pictures"):
        pictures.pictures_in(tmp_path)
    for number in range(3):
        save(tmp_path / f"{number}.png")
    monkeypatch.setattr(pictures, "MAX_PICTURES", 2)
    with pytest.raises(PictureError, match="holds 3 pictures: give a folder of at most 2"):
        pictures.pictures_in(tmp_path)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    assert pictures.pixels_of("a.png", content).shape == (6, 8, 3)
    monkeypatch.setattr(pictures, "MAX_PIXELS", 47)
    with pytest.raises(PictureError, match=r"a\.png is 8x6"):
        pictures.pixels_of("a.png", content[:60])


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "archive.tar").open("wb") as file:
        file.truncate(pictures.MAX_BYTES + 1)  # of nothing: it takes no place on the disk
    with pytest.raises(PictureError, match=r"archive\.tar has 200,000,001 bytes: give a picture of at most"):
        next(pictures.read_pictures(pictures.pictures_in(tmp_path / "archive.tar")))


def test_pictures_lie_within_the_roots_links_followed(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    for folder in (allowed, other):
        save(folder / "a.png")
    (allowed / "folder").symlink_to(other)
    pictures.check_place(str(allowed / "a.png"), [allowed])
    pictures.check_place(str(other), [])
    told = set()
    for place in (other, other / "a.png", other / "absent", allowed / "folder", allowed / ".." / "other"):
        with pytest.raises(PictureError, match="FRS_DATASET_ROOTS") as refused:
            pictures.check_place(str(place), [allowed])
        told.add(str(refused.value).replace(str(place), "it"))
    assert len(told) == 1  # of what is there and of what is not the same is said
    with pytest.raises(PictureError, match="such as folder"):
        pictures.check_place(str(allowed), [allowed])


def test_a_box_is_drawn_in_the_colour_of_its_class_and_nothing_else_changes() -> None:
    grey = np.full((200, 300, 3), 90, np.uint8)
    drawn = np.asarray(draw_boxes(grey, [DrawnBox(box=(50, 60, 150, 160), label=1)]))
    assert tuple(drawn[110, 50]) == colour_of(1)
    assert tuple(drawn[60, 100]) == colour_of(1)
    changed = (drawn != 90).any(axis=2)
    assert not changed[62:158, 53:147].any()
    assert not changed[:59].any()


def test_words_stay_within_the_picture() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    plain = draw_boxes(grey, [DrawnBox(box=(70, 0, 79, 59), label=0)])
    worded = draw_boxes(grey, [DrawnBox(box=(70, 0, 79, 59), label=0, text="cell 0.9")])
    assert worded.size == plain.size == (80, 60)
    left_of_box = np.asarray(worded)[:15, :69]
    assert (left_of_box != 90).any()


def test_letters_beyond_ascii_are_written() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    words = [draw_boxes(grey, [DrawnBox(box=(5, 30, 70, 50), label=0, text=text)]) for text in "öäЖ"]
    assert len({picture.tobytes() for picture in words}) == 3
