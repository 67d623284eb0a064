"""Which images of a folder, a manifest or a command line are diagnosed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.errors import InputError
from pneumoscope.findings import PatientContext
from pneumoscope.workflow import list_cases

Save = Callable[[np.ndarray, str], Path]
GREY = np.zeros((40, 40), np.uint8)


def manifest(folder: Path, *lines: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_folder_is_read_at_any_depth_and_in_order(
    tmp_path: Path, save: Save, phantom_dicom: Path
) -> None:
    for name in ("b/x.png", "a/x.png", "a/deep/x.JPG", ".hidden/x.png", "a/._x.png"):
        save(GREY, name)
    (tmp_path / "a/IM0001").write_bytes(phantom_dicom.read_bytes())
    (tmp_path / "DICOMDIR").write_bytes(phantom_dicom.read_bytes())
    (tmp_path / "a/broken.dcm").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("file,label\n")
    listed = list_cases([tmp_path])
    assert [case.file for case in listed.cases] == [
        "a/IM0001",
        "a/broken.dcm",
        "a/deep/x.JPG",
        "a/x.png",
        "b/x.png",
    ]
    assert all(case.path == tmp_path / case.file for case in listed.cases)
    assert listed.unread == ("DICOMDIR", "labels.csv")


def test_a_manifest_tells_the_patients(tmp_path: Path) -> None:
    table = manifest(
        tmp_path,
        "sex,file,oxygen_level,age,fever_value",
        "F, a/1.png ,91,54.5,101.3F",
        ",gone.png,,,",
        'M,"/elsewhere/2.png",,3,',
    )
    first, second, third = list_cases([table]).cases
    assert (first.file, first.path) == ("a/1.png", tmp_path / "a/1.png")
    assert first.patient == PatientContext(54.5, "F")
    assert first.symptoms == {"oxygen_level": 91, "fever_value": pytest.approx(38.5)}
    # Whether it is there is said in its row.
    assert (second.path, second.patient, second.symptoms) == (
        tmp_path / "gone.png",
        PatientContext(),
        {},
    )
    assert third.path == Path("/elsewhere/2.png")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["age", "4"], "no column 'file'"),
        (["file,spo2", "a,91"], "did you mean oxygen_level"),
        (["file,label", "a,NORMAL"], "neither file, age nor sex nor a symptom .*'label'"),
        (["file,age,age", "a,4,5"], "two columns are named 'age'"),
        (["file"], "lists no image"),
        (["file,age", ",4"], "line 2: file is empty"),
        (["file,age", "a,4", "b,old"], "line 3: age 'old' is no number"),
        (["file,age", "a,131"], "line 2: age 131 is outside"),
        (["file,age", "a,nan"], "line 2: age nan is outside"),
        (["file,sex", "a,x"], "line 2: sex 'x' is neither M nor F"),
        (["file,oxygen_level", "a,910"], "line 2: symptom oxygen_level 910 is outside"),
        (["file,oxygen_level", "a,high"], "line 2: symptom 'oxygen_level' has the value 'high'"),
        (["file,age", "a,4", "b/../a,5"], "listed twice"),
        (["file,age", "a,4,5"], "line 2: 3 values for 2 columns"),
    ],
)
def test_a_manifest_that_cannot_be_used_names_the_line(
    tmp_path: Path, lines: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told) as error:
        list_cases([manifest(tmp_path, *lines)])
    assert "list.csv" in str(error.value)


def test_symptoms_are_checked_for_the_rule_base(tmp_path: Path) -> None:
    table = manifest(tmp_path, "file,oxygen_level", "a,91", "b,")
    list_cases([table])
    with pytest.raises(InputError, match="line 2: missing symptoms"):
        list_cases([table], rule_base="baral2025")


def test_files_of_the_same_name_are_told_apart(tmp_path: Path, save: Save) -> None:
    places = [save(GREY, name) for name in ("a/x.png", "b/x.png")]
    assert [case.file for case in list_cases(places).cases] == [p.as_posix() for p in places]
    with pytest.raises(InputError, match="listed twice"):
        list_cases([*places, tmp_path / "a/../b/x.png"])


def test_a_file_is_named_once_be_it_by_its_whole_path(tmp_path: Path) -> None:
    table = manifest(tmp_path, "file,age", "a.png,4", f"{tmp_path / 'a.png'},5")
    with pytest.raises(InputError, match=r"a\.png' is listed twice"):
        list_cases([table])


def test_one_folder_one_manifest_or_files(tmp_path: Path, save: Save) -> None:
    image = save(GREY, "a/x.png")
    for place, kind in ((tmp_path / "a", "folder"), (manifest(tmp_path, "file", "a"), "manifest")):
        with pytest.raises(InputError, match=f"is a {kind} among other places"):
            list_cases([image, place])
    with pytest.raises(InputError, match="no image"):
        list_cases([])


def test_a_place_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no image in it"):
        list_cases([tmp_path])
    with pytest.raises(InputError, match=r"cannot be read \(no such file"):
        list_cases([tmp_path / "none.csv"])


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everywhere"
)
def test_a_folder_that_may_not_be_read(tmp_path: Path, save: Save) -> None:
    save(GREY, "open/x.png")
    (tmp_path / "closed").mkdir(mode=0)
    try:
        with pytest.raises(InputError, match="closed: cannot be read"):
            list_cases([tmp_path])
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no Unicode are of Linux")
def test_a_name_that_is_no_unicode_can_be_kept(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))).write_bytes(b"x")
    (case,) = list_cases([tmp_path]).cases
    assert case.file == "\\udcff.png"
    assert case.path.read_bytes() == b"x"
