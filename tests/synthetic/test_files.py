import csv
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.errors import InputError
from pneumoscope.synthetic import draw_phantom, make_phantoms, write_dicom, write_png

WRITERS = [write_png, write_dicom]


def test_png_gives_the_pixels_back_within_quantisation(tmp_path: Path) -> None:
    phantom = draw_phantom(2, size=200, opacity=True)
    write_png(phantom, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "L"
        read = np.asarray(image, dtype=np.float64) / 255
    assert np.abs(read - phantom.pixels).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_phantom_gives_the_same_bytes_and_leaves_nothing_else(write, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for name in ("one", "two"):
        write(draw_phantom(4, size=128), tmp_path / name)
    (tmp_path / "three").write_bytes(b"an older file")
    write(draw_phantom(4, size=128), tmp_path / "three")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]


@pytest.mark.parametrize("write", WRITERS)
def test_a_place_that_cannot_be_written_is_named(write, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}/absent/a: cannot be written")):
        write(draw_phantom(4, size=128), tmp_path / "absent" / "a")


@pytest.mark.parametrize("write", WRITERS)
def test_a_failed_write_leaves_no_part_behind(write, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write(draw_phantom(4, size=128), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(("dicom", "suffix"), [(False, ".png"), (True, ".dcm")])
def test_a_folder_of_phantoms_has_both_classes_and_a_table(
    dicom: bool, suffix: str, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    paths = make_phantoms(out, 3, dicom=dicom, seed=7)
    with (out / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "label", "patient_id"]
    assert [out / row["file"] for row in rows] == paths
    assert [row["label"] for row in rows] == ["NORMAL", "PNEUMONIA", "NORMAL"]
    assert len({row["patient_id"] for row in rows}) == 3
    assert len({path.read_bytes() for path in paths}) == 3
    assert {path.suffix for path in paths} == {suffix}
    assert {path.name for path in out.iterdir()} == {path.name for path in paths} | {"labels.csv"}


@pytest.mark.parametrize("count", [0, -3, 100_001])
def test_an_impossible_count_is_refused_before_anything_is_made(count: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{count} phantoms asked for: give 1 to 100000"):
        make_phantoms(tmp_path / "out", count, dicom=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", [-1, 2**32 - 1])
def test_seeds_that_run_out_of_range_are_refused_before_anything_is_made(
    seed: int, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="phantom seed"):
        make_phantoms(tmp_path / "out", 2, dicom=False, seed=seed)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_folders_place_is_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("precious")
    with pytest.raises(InputError, match="is a file, not a folder"):
        make_phantoms(out, 1, dicom=False)
    assert out.read_text() == "precious"


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        make_phantoms(tmp_path / "file" / "out", 1, dicom=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be"):
        make_phantoms(tmp_path / "out", 1, dicom=False)


def test_labels_that_are_there_already_are_not_replaced(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "labels.csv").write_text("file,label\nmine.png,NORMAL\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"already holds labels\.csv"):
        make_phantoms(tmp_path, 1, dicom=False)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_turned_phantoms_are_the_same_upside_down(tmp_path: Path) -> None:
    (upright,) = make_phantoms(tmp_path / "a", 1, dicom=False, seed=5)
    (turned,) = make_phantoms(tmp_path / "b", 1, dicom=False, seed=5, turned=True)
    with Image.open(upright) as one, Image.open(turned) as other:
        assert np.array_equal(np.rot90(np.asarray(one), 2), np.asarray(other))
