"""Boxes of a folder: read as written, marked where they lie, refused where they cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage, Manifest, read_boxes
from pneumoscope.metrics import Box

MANIFEST = Manifest(
    tuple(
        LabelledImage(Path(f"{n}.png"), f"{n}.png", "PNEUMONIA", n, {"uid": uid, "view": "AP"})
        for n, uid in (("a", "u1"), ("b", "u2"), ("c", "shared"), ("d", "shared"))
    ),
    patient_column="patient_id",
)
HEAD = "file,x,y,width,height\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(text, "utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_boxes(path, MANIFEST)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_boxes_of_images_that_were_not_chosen_are_left_out(tmp_path):
    chosen = Manifest(MANIFEST.images[:2], "patient_id", {"view": "AP"}, MANIFEST.images[2:])
    path = written(tmp_path, HEAD + "b.png,0,0,1,1\nc.png,0,0,1,1\na.png,0,0,1,1\n")
    assert list(read_boxes(path, chosen)) == ["a.png", "b.png"]
    # A value that is not one image's alone in the whole folder names none in a part of it.
    other = Manifest(MANIFEST.images[2:3], "patient_id", {"view": "AP"}, MANIFEST.images[3:])
    path = written(tmp_path, HEAD.replace("file", "uid") + "shared,0,0,1,1\n")
    with pytest.raises(DataError, match="not that of exactly one image"):
        read_boxes(path, other)


def test_boxes_are_grouped_by_image_in_the_order_of_the_folder(tmp_path):
    text = HEAD + "b.png,0.5,0.5,0.25,0.5\na.png,0,0,1,1\nb.png, 0.1 ,0,0.2,0.2\n"
    found = read_boxes(written(tmp_path, text), MANIFEST)
    assert list(found.items()) == [
        ("a.png", (Box(0, 0, 1, 1),)),
        ("b.png", (Box(0.5, 0.5, 0.25, 0.5), Box(0.1, 0, 0.2, 0.2))),
    ]


def test_an_image_may_be_named_by_a_column_of_the_labels(tmp_path):
    text = "uid,x,y,width,height,reader\nu2,0,0,0.5,0.5,R1\nu1,0,0,0.5,0.5,R2\n"
    assert list(read_boxes(written(tmp_path, text), MANIFEST)) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its first line must be file,x,y,width,height"),
        ("file,x,y,w,h\na.png,0,0,1,1\n", "no column 'width'"),
        ("x,y,width,height\n0,0,1,1\n", "which column names the image?"),
        ("uid,view,x,y,width,height\nu1,AP,0,0,1,1\n", "which column names the image?"),
        ("file,file,x,y,width,height\na.png,a.png,0,0,1,1\n", "two columns have the same name"),
        (HEAD, "lists no box"),
        (HEAD + "a.png,0,0,1,1\na.png,0,0,0.5,1\n", "all boxes are of one patient"),
        (HEAD + "e.png,0,0,1,1\n", "line 2: its file is not that of exactly one image"),
        ("uid,x,y,width,height\nshared,0,0,1,1\n", "line 2: its uid is not that of exactly one"),
        (HEAD + "a.png,0,0,1,1\na.png,0,left,1,1\n", "line 3: x, y, width, height must be numbers"),
        (HEAD + "a.png,0,,1,1\n", "must be numbers"),
        (HEAD + "a.png,-0.1,0,1,1\n", "must be fractions of the image"),
        (HEAD + "a.png,100,80,40,30\n", "must be fractions of the image"),
        (HEAD + "a.png,nan,0,1,1\n", "must be fractions of the image"),
        (HEAD + "a.png,0,0,inf,1\n", "must be fractions of the image"),
        (HEAD + "a.png,0.5,0.5,0,0.5\n", "no area"),
        (HEAD + "a.png,0.5,0.5,0.5,0.6\n", "reaches out"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path, text, words):
    assert words in refused(written(tmp_path, text))


def test_no_such_file(tmp_path):
    assert "boxes.csv: cannot be read (no such file)" in refused(tmp_path / "boxes.csv")


@given(text=st.text(alphabet='file,xy\nwdthg."01-e\0é', max_size=80))
def test_any_file_is_read_or_refused_in_one_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "boxes.csv"
    path.write_text(HEAD + text, "utf-8", newline="")
    try:
        read_boxes(path, MANIFEST)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
