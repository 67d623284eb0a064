"""Zeng's studies from end to end on made-up images, and the splits that they draw."""

import csv
import json

import numpy as np
import pytest
import yaml
from PIL import Image

pytest.importorskip("torch")

from pneumoscope.lab.datasets import certify, identify
from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.zeng2020_covid_ct import PAPERS, _nested, official_list
from pneumoscope.lab.studies.zeng2020_heads import WAYS

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def slices(study_data, tmp_path_factory):
    """`guangzhou`, `lungs-tb` and `covid-ct`: 20 papers of 3 slices with COVID, 40 others.

    One of the papers crosses the official lists.
    """
    folder = tmp_path_factory.mktemp("data")
    (folder / "guangzhou").symlink_to(study_data / "guangzhou")
    _fill_shenzhen(folder / "lungs-tb")
    place = folder / "covid-ct"
    place.mkdir()
    rng = np.random.default_rng(3)
    rows = []
    for i in range(100):
        covid = i < 60
        paper = f"c{i // 3}" if covid else f"n{i}"
        reported = i in (0, 3, 4, 5, 9, 10, 11) if covid else i % 5 == 0
        listed = "val" if reported else "train"
        pixels = rng.normal(90 + 40 * covid, 25, (64, 64)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{i}.png")
        rows.append((f"{i}.png", "COVID" if covid else "NON_COVID", listed, paper))
    with (place / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "label", "official_split", PAPERS), *rows])
    return folder, rows


def _fill_shenzhen(place):
    """Images of two hospitals, squarer and darker than those of Guangzhou."""
    place.mkdir()
    rng = np.random.default_rng(5)
    rows = []
    for i in range(40):
        label, hospital = ("NORMAL", "TUBERCULOSIS")[i % 2], "shenzhen" if i < 30 else "montgomery"
        pixels = rng.normal(40 + 20 * (i % 2), 20, (64, 64)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{i}.png")
        rows.append((f"{i}.png", label, f"s{i}", hospital))
    with (place / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "label", "patient_id", "source"), *rows])


def _published(text):
    return [f for f in ("0.78205", "0.92788", "0.893", "0.9446", "0.6918") if f in text]


def test_papers_of_the_reported_list_never_train(slices):
    folder, rows = slices
    data = identify([folder / "covid-ct"], patient_column=PAPERS)
    listed = {f"covid-ct/{file}": name for file, _, name, _ in rows}
    lists = np.array([listed[file] for file in data.files])
    split = official_list(data, lists, seed=0)
    fold = split.folds[0]
    assert certify(split, data)["folds"][0]["leaks"] == []
    assert set(fold.indices("report")) == set(np.flatnonzero(lists == "val"))
    used = {*fold.indices("train"), *fold.indices("stop")}
    left_out = set(np.flatnonzero(lists == "train")) - used
    # The paper whose first slice is reported has two more that would train.
    assert {data.files[i] for i in left_out} == {"covid-ct/1.png", "covid-ct/2.png"}


def test_nested_folds_report_every_slice_once_and_share_no_paper(slices):
    data = identify([slices[0] / "covid-ct"], patient_column=PAPERS)
    splits = _nested(data, seed=0)
    reported = np.concatenate([split.folds[0].indices("report") for split in splits])
    assert sorted(reported) == list(range(len(data.files)))
    for split in splits:
        assert certify(split, data)["folds"][0]["leaks"] == []
        assert len(split.folds[0].indices("stop"))


def _run(name, folder, work):
    page = run_study(name, scale="smoke", data=folder, work=work, out=None)
    text = page.read_text()
    assert _published(text) == []
    return text, json.loads(page.with_suffix(".json").read_text())


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("zeng2020-radiographs", "inception_v3"),
        ("zeng2020-covid-ct", "nested"),
        ("zeng2020-frozen", "heads"),
    ],
)
def test_a_study_tries_every_way_and_goes_on_with_what_is_kept(name, table, slices, tmp_path):
    folder, _ = slices
    text, numbers = _run(name, folder, tmp_path)
    assert set(numbers[table]["figures"]) == set(WAYS)
    if table == "nested":
        assert len(numbers["whole network"]) == 2
    if table == "heads":
        assert numbers["sources"]["lungs-tb, shenzhen"] == "30 images"
    trainings = [
        each for key, value in numbers.items() if "rounds" in key for each in value.values()
    ]
    assert len(trainings) == {"inception_v3": 1, "nested": 6, "heads": 0}[table]
    for training in trainings:
        assert set(training["epochs"][-1]) >= {"train_loss", "stop_loss", "train_accuracy"}
    finished = [*tmp_path.glob("*/*-[0-9].json"), *tmp_path.glob("*/*/result.json")]
    assert finished
    before = [path.stat().st_mtime_ns for path in finished]
    assert _run(name, folder, tmp_path) == (text, numbers)
    assert [path.stat().st_mtime_ns for path in finished] == before


def test_end_to_end_the_searched_rate_is_what_is_trained(slices, tmp_path):
    folder, _ = slices
    _, numbers = _run("zeng2020-end-to-end", folder, tmp_path)
    (task,) = (value for key, value in numbers.items() if key.endswith("covid-ct"))
    found = task["search"]["rate"]
    recipes = {
        name: yaml.safe_load((path / "recipe.yaml").read_text())["network"]["options"]["dropout"]
        for name in ("usual", "searched")
        for path in tmp_path.glob(f"*/*-{name}")
    }
    assert recipes == {"usual": 0.5, "searched": found}
    assert len(task["figures"]) == 2
    # Finished, it is not run again: neither the networks nor the search.
    assert _run("zeng2020-end-to-end", folder, tmp_path)[1] == numbers
