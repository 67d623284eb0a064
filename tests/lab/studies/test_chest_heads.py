"""The two heads of the default recipe: what is compared, and the study from end to end."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite_pytorch")

from pneumoscope.lab.studies import chest_heads_measure, run_study
from pneumoscope.lab.studies.chest_heads import verdict
from pneumoscope.lab.studies.chest_heads_measure import (
    AUPRC,
    FIXED_MAP,
    POINTING,
    VIEW_ALONE,
    Pooled,
    by_fold,
    compare,
)
from pneumoscope.metrics import Estimate, auroc

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
PNEUMONIA = "adults: AUROC, PNEUMONIA"


@pytest.fixture
def pooled() -> Pooled:
    """120 children and 180 adults in two folds; `plain` guesses, `capsules` is mostly right."""
    rng = np.random.default_rng(0)
    children = np.arange(300) < 120
    true = np.where(children, rng.choice([0, 2], 300), rng.choice(3, 300))
    guessed = rng.dirichlet(np.ones(3), 300)
    skilled = 0.7 * np.eye(3)[true] + 0.3 * rng.dirichlet(np.ones(3), 300)
    boxed = ~children & (true == 2)
    maps = {name: np.full((300, 2), np.nan) for name in ("plain", "capsules", FIXED_MAP)}
    for name, level in (("plain", 0.2), ("capsules", 0.6), (FIXED_MAP, 0.4)):
        maps[name][boxed] = level
    return Pooled(
        folds=np.arange(300) % 2 + 1,
        patients=np.array([f"p{i // 2}" for i in range(300)]),
        true=true,
        positive=2,
        children=children,
        views=np.where(children, "", np.where(rng.random(300) < 0.5, "AP", "PA")),
        probabilities={"plain": guessed, "capsules": skilled},
        maps=maps,
    )


def test_differences_are_capsules_minus_plain_and_against_what_reads_no_lung(pooled):
    found = compare(pooled)
    for name in ("children: AUROC", PNEUMONIA, "adults, PA alone: AUROC, PNEUMONIA"):
        each = found[name]
        assert each["capsules - plain"].low > 0
        difference = each["capsules"].value - each["plain"].value
        assert each["capsules - plain"].value == pytest.approx(difference)
    adults = ~pooled.children
    by_view = auroc((pooled.views == "AP")[adults].astype(float), (pooled.true == 2)[adults])
    assert found[PNEUMONIA][VIEW_ALONE].value == pytest.approx(float(by_view))
    for measure in (AUPRC, POINTING):
        assert found[measure][f"plain - {FIXED_MAP}"].value == pytest.approx(-0.2)
        assert found[measure][f"capsules - {FIXED_MAP}"].value == pytest.approx(0.2)


def test_the_same_answers_are_never_told_apart(pooled):
    same = dict.fromkeys(("plain", "capsules"), pooled.probabilities["plain"])
    maps = {**pooled.maps, "capsules": pooled.maps["plain"]}
    for each in compare(replace(pooled, probabilities=same, maps=maps)).values():
        difference = each["capsules - plain"]
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_fold_is_measured_on_its_own_images(pooled):
    second = pooled.folds == 2
    answers = pooled.probabilities["plain"].copy()
    answers[second] = np.eye(3)[pooled.true[second]]
    heads = {**pooled.probabilities, "plain": answers}
    found = by_fold(replace(pooled, probabilities=heads))["children: AUROC"]["plain"]
    assert found[1] == 1
    assert found[0] < 0.8


def test_what_a_source_has_no_label_for_takes_no_part():
    answers = np.array([[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]])
    taught = np.array([[True, False, True], [True, True, True]])
    found = chest_heads_measure._over_taught(answers, taught)
    assert found.tolist() == [pytest.approx([0.4, 0, 0.6]), pytest.approx([0.2, 0.5, 0.3])]


def test_the_verdict_goes_whichever_way_the_intervals_go():
    gain, loss, nothing = (Estimate(0, 0.1, 0.2), Estimate(0, -0.2, -0.1), Estimate(0, -0.1, 0.1))
    assert verdict({"a": nothing}) == "**No figure tells the two heads apart.**"
    assert verdict({"a": gain, "b": loss, "c": nothing}) == (
        "**Higher with capsules, told apart from nothing: a.** "
        "**Lower with capsules, told apart from nothing: b.**"
    )


def _fill(folder, rows, seed):
    """Noise is enough: a phantom takes longer to draw than to train on."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for file, *_ in rows:
        pixels = rng.integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / file)
    _write(folder / "labels.csv", [("file", "label", "patient_id", "view", "rsna_id"), *rows])


def _write(path, rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Every set of the recipe; `rsna-lungs` has one more image of each patient of `rsna`."""
    folder = tmp_path_factory.mktemp("data")
    children = [(f"{i}.png", CLASSES[i % 2 * 2], f"c{i}", "", f"c{i}") for i in range(16)]
    _fill(folder / "guangzhou", children, 0)
    for seed, (name, owner) in enumerate((("rsna", "r"), ("nih-graded", "n"), ("rsna-lungs", "r"))):
        rows = [
            (f"{i}.png", CLASSES[i % 3], f"{owner}{i}", ("AP", "PA")[i // 3 % 2], f"{owner}{i}")
            for i in range(24)
        ]
        _fill(folder / name, rows, seed + 1)
    (folder / "rsna-labels").mkdir()
    place = (0.2, 0.3, 0.2, 0.2)
    for name, owner in (("rsna", "r"), ("nih-graded", "n"), ("rsna-labels", "r")):
        boxes = [(f"{owner}{i}", *place) for i in range(24) if i % 3 == 2]
        _write(folder / name / "boxes.csv", [("rsna_id", "x", "y", "width", "height"), *boxes])
    return folder


def test_the_study_runs_and_takes_what_is_finished(data, tmp_path):
    def run():
        page = run_study("chest-heads", scale="smoke", data=data, work=tmp_path, out=None)
        return page.read_text(), json.loads(page.with_suffix(".json").read_text())

    text, numbers = run()
    assert "What the splits leak, by their certificates: none." in text
    assert set(numbers["figures"]) == set(numbers["folds"])
    work = tmp_path / "chest-heads-smoke"
    answered = []
    for number in (1, 2):
        plain, capsules = (
            json.loads((work / f"{head}-{number}/result.json").read_bytes())
            for head in ("plain", "capsules")
        )
        assert plain["files"] == capsules["files"]
        assert plain["probabilities"] != capsules["probabilities"]
        answered += plain["files"]
        split = json.loads((work / f"plain-{number}/split.json").read_bytes())
        trained = {split["images"][i] for i in split["folds"][0]["train"]}
        tested = {file.partition("/")[2] for file in plain["files"] if file.startswith("rsna/")}
        assert not {f"rsna-lungs/{file}" for file in tested} & trained
    assert len(answered) == len(set(answered)) == 16 + 24 + 24
    before = {path: path.stat().st_mtime_ns for path in work.glob("*/result.json")}
    assert run()[1] == numbers
    assert {path: path.stat().st_mtime_ns for path in before} == before
