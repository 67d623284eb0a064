"""A split on disk: what leaks is told, and nothing in it is believed."""

import copy
import dataclasses
import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets import (
    PARTS,
    CertificateError,
    DataIdentity,
    Fold,
    Split,
    certificate_path,
    certify,
    digest,
    document,
    read_split,
    write_split,
)

pytestmark = pytest.mark.lab

PATIENTS = ["a", "a", "b", "b", "c", "c", "d", "d"]
DATA = DataIdentity(
    files=tuple(f"set/{i}.png" for i in range(8)),
    strata=tuple(f"set {'AB'[i % 2]}" for i in range(8)),
    patients=tuple(f"set/{name}" for name in PATIENTS),
    fingerprints=tuple(f"{i:016x}" for i in range(8)),
)
HONEST = {"train": [0, 1], "stop": [2, 3], "calibrate": [4, 5], "report": [6, 7]}


def _split(scheme="holdout", by="patient", seed=1, **parts):
    fold = {part: np.array(at, dtype=np.int64) for part, at in (HONEST | parts).items()}
    return Split(scheme, by, seed, (Fold(fold),))


def _leaks(split, data=DATA):
    return certify(split, data)["folds"][0]["leaks"]


# The certificate


def test_an_honest_split_shows_no_leak():
    assert _leaks(_split()) == []


def test_a_patient_in_two_parts_is_told():
    (leak,) = _leaks(_split(train=[0], stop=[1, 2, 3]))
    assert "1 patients are in more than one part" in leak


@pytest.mark.parametrize("parts", [(1, 2), (1, 4), (1, 6), (3, 6)])
def test_a_picture_of_two_patients_in_two_parts_is_told(parts):
    same = list(DATA.fingerprints)
    same[parts[1]] = same[parts[0]]
    (leak,) = _leaks(_split(), dataclasses.replace(DATA, fingerprints=tuple(same)))
    assert "1 groups share a picture across parts" in leak


def test_stopping_on_the_report_part_is_told():
    (leak,) = _leaks(_split(stop=[6, 7]))
    assert "stopped on the images that are reported" in leak
    # In another order it is no more honest.
    assert _leaks(_split(stop=[7, 6]))


@pytest.mark.parametrize("part", ["train", "stop", "calibrate"])
def test_an_image_of_the_report_part_in_another_is_told(part):
    assert _leaks(_split(**{part: [*HONEST[part], 6]}))


def test_the_certificate_counts_what_it_names():
    data = dataclasses.replace(
        DATA,
        files=tuple(f"{'ab'[i // 4]}/{i}.png" for i in range(8)),
        patients=tuple(f"{'ab'[i // 4]}/{i % 4 // 2}" for i in range(8)),
        fingerprints=(*DATA.fingerprints[:7], DATA.fingerprints[0]),
    )
    stated = certify(_split(), data)
    assert stated["patients"] == 4
    assert stated["duplicates"] == [["a/0.png", "b/7.png"]]
    assert stated["source_overlap"] == {"pictures": 1, "patient_numbers": 2}
    assert stated["folds"][0]["counts"]["train"] == {"set A": 1, "set B": 1}
    # The hospital's numbers are not in it.
    assert "a/0" not in stated["patient_keys"]
    assert len(set(stated["patient_keys"])) == 4


# On disk


@pytest.fixture
def written(tmp_path):
    write_split(tmp_path / "split.json", _split(), DATA)
    return tmp_path / "split.json"


@settings(max_examples=20)
@given(st.lists(st.sampled_from([*PARTS, None]), min_size=8, max_size=8))
def test_a_split_is_read_as_it_was_written(tmp_path_factory, chosen):
    parts = {part: [i for i, name in enumerate(chosen) if name == part] for part in PARTS}
    if not parts["train"] or not parts["report"]:
        return
    path = tmp_path_factory.mktemp("split") / "split.json"
    stated = write_split(path, _split(**parts), DATA)
    assert certify(read_split(path, DATA), DATA) == stated
    assert json.loads(certificate_path(path).read_text()) == stated


CHANGED_DATA = {
    "an image replaced": {"fingerprints": ("f" * 16, *DATA.fingerprints[1:])},
    "a label swapped": {"strata": (DATA.strata[1], DATA.strata[0], *DATA.strata[2:])},
    "a patient renumbered": {"patients": ("set/z", *DATA.patients[1:])},
}


@pytest.mark.parametrize("change", CHANGED_DATA)
def test_changed_data_are_refused(written, change):
    data = dataclasses.replace(DATA, **CHANGED_DATA[change])
    with pytest.raises(CertificateError, match=r"of other pictures, labels or patients"):
        read_split(written, data)


@pytest.mark.parametrize("files", [DATA.files[:-1], DATA.files[::-1], (*DATA.files, "set/8.png")])
def test_other_images_are_refused_even_without_a_certificate(written, files):
    rest = {
        field.name: (getattr(DATA, field.name) * 2)[: len(files)]
        for field in dataclasses.fields(DATA)
    }
    with pytest.raises(DataError, match="lists other images"):
        read_split(written, DataIdentity(**rest | {"files": files}), certified=False)


def _edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_an_edited_split_is_refused(written):
    _edit(written, lambda split: split["folds"][0].update(train=[0, 1, 6]))
    with pytest.raises(CertificateError, match="was changed since its certificate"):
        read_split(written, DATA)
    assert read_split(written, DATA, certified=False).folds[0].indices("train").tolist() == [
        0,
        1,
        6,
    ]


@pytest.mark.parametrize("resealed", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"patients": 3},
        {"by": "image"},
        {"seed": 2},
        {"duplicates": [["x", "y"]]},
        {"patient_keys": ["0"] * 8},
        {"folds": []},
        {"folds": {"0": 1}},
        {"folds": [{"leaks": []}]},
        {"schema_version": 4},
        {"other": 1},
    ],
    ids=str,
)
def test_an_edited_certificate_is_refused(written, change, resealed):
    def edit(stated):
        stated.update(change)
        if resealed:
            stated["sha256"] = digest({k: v for k, v in stated.items() if k != "sha256"})

    _edit(certificate_path(written), edit)
    with pytest.raises(CertificateError, match="make it again"):
        read_split(written, DATA)


def test_a_leak_cannot_be_talked_away(tmp_path):
    """Split and certificate agree with each other and with the data, but not on what leaks."""
    path = tmp_path / "split.json"
    write_split(path, _split(train=[0], stop=[1, 2, 3]), DATA)

    def edit(stated):
        stated["folds"][0].update(leaks=[], patients_across_parts=0, groups_across_parts=0)
        stated["sha256"] = digest({k: v for k, v in stated.items() if k != "sha256"})

    _edit(certificate_path(path), edit)
    with pytest.raises(CertificateError, match="do not bear out"):
        read_split(path, DATA)


@pytest.mark.parametrize("content", [None, "", "[]", "3", "null", "{", "[" * 100_000])
def test_a_certificate_that_is_none_is_refused(written, content):
    path = certificate_path(written)
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(CertificateError, match="make it again") as caught:
        read_split(written, DATA)
    assert "\n" not in str(caught.value)
    # So that a user may accept it.
    assert read_split(written, DATA, certified=False).seed == 1


WRONG_POSITIONS = {
    "negative": "[-1]",
    "too large": "[8]",
    "beyond numpy": "[99999999999999999999]",
    "very long": "[" + "9" * 5000 + "]",
    "not a number": "[NaN]",
    "infinite": "[Infinity]",
    "text": '["0"]',
    "fraction": "[0.0]",
    "switch": "[true]",
    "nested": "[" * 3000 + "]" * 3000,
    "mapping": '{"0": 1}',
    "null": "null",
    "twice": "[4, 5, 5]",
}


@pytest.mark.parametrize("certified", [True, False])
@pytest.mark.parametrize("wrong", WRONG_POSITIONS)
def test_wrong_positions_are_refused_in_one_line(written, wrong, certified):
    text = written.read_text().replace("[4, 5]", WRONG_POSITIONS[wrong])
    written.write_text(text)
    with pytest.raises(DataError, match="make it again") as caught:
        read_split(written, DATA, certified=certified)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"scheme": "<b>"},
        {"scheme": "x" * 41},
        {"by": "hospital"},
        {"seed": -1},
        {"seed": 1.5},
        {"folds": []},
        {"folds": [HONEST | {"train": []}]},
        {"folds": [HONEST | {"report": []}]},
        {"folds": [HONEST | {"extra": []}]},
        {"images": None},
        {"more": 1},
        {"two\nlines": 1},
    ],
    ids=repr,
)
def test_a_file_that_is_no_split_is_refused(written, change):
    _edit(written, lambda split: split.update(copy.deepcopy(change)))
    with pytest.raises(DataError, match="make it again") as caught:
        read_split(written, DATA, certified=False)
    assert "\n" not in str(caught.value)


def test_only_a_bootstrap_repeats_images_and_only_to_train(tmp_path):
    path = tmp_path / "split.json"
    for scheme, part, taken in (
        ("bootstrap", "train", True),
        ("bootstrap", "report", False),
        ("monte-carlo", "train", False),
    ):
        write_split(path, _split(scheme, **{part: [HONEST[part][0], *HONEST[part]]}), DATA)
        if taken:
            assert len(read_split(path, DATA).folds[0].indices(part)) == 3
        else:
            with pytest.raises(DataError, match=f"repeats images of {part}"):
                read_split(path, DATA)


def test_the_document_names_images_and_positions_only():
    written = document(_split(), DATA)
    assert written["images"] == list(DATA.files)
    assert written["folds"] == [HONEST]
