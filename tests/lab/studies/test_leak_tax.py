"""The leak tax: its interval, and the study from end to end on made-up images."""

import json
import math
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets import identify, linked_groups
from pneumoscope.lab.studies import Context, leak_tax, run_study
from pneumoscope.lab.studies.experiment import recipe_contents
from pneumoscope.lab.studies.folds import corrected_interval
from pneumoscope.lab.studies.leak_tax import verdict
from pneumoscope.metrics import Estimate

pytestmark = pytest.mark.lab


def test_the_verdict_follows_the_intervals():
    nothing, tax = Estimate(0.001, -0.01, 0.0125), Estimate(0.02, 0.01, 0.03)
    text = verdict({"accuracy": nothing, "auroc": nothing})
    assert "No difference is told apart" in text
    assert "0.0125" in text
    assert verdict({"accuracy": nothing, "balanced_accuracy": tax}) == (
        "**Told apart from nothing: balanced accuracy.**"
    )
    assert "No difference" in verdict({"accuracy": Estimate(0.1)})


def test_the_study_runs_and_takes_what_is_finished(study_data, tmp_path):
    def run():
        page = run_study("leak-tax", scale="smoke", data=study_data, work=tmp_path, out=None)
        return page.read_text(), json.loads(page.with_suffix(".json").read_text())

    text, numbers = run()
    for name, tax in numbers["tax"].items():
        image, patient = ([row[name] for row in arm] for arm in numbers["metrics"].values())
        assert tax["value"] == pytest.approx(np.mean(image) - np.mean(patient))
    assert "patients are in more than one part" in text
    work = tmp_path / "leak-tax-smoke"
    for number in (1, 2):
        kept = [json.loads((work / f"{by}-{number}/result.json").read_bytes()) for by in ARMS]
        assert kept[0]["leaks"]
        assert not kept[1]["leaks"]
    before = {path: path.stat().st_mtime_ns for path in work.glob("*/result.json")}
    assert run()[1] == numbers
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_without_the_etiology_there_are_no_strata_and_no_page(study_data, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(study_data / "guangzhou", data / "guangzhou")
    table = data / "guangzhou" / "labels.csv"
    lines = [line.rpartition(",")[0] for line in table.read_text("utf-8").splitlines()]
    table.write_text("\n".join(lines), "utf-8")
    with pytest.raises(DataError, match="guangzhou: no column 'etiology' in"):
        run_study("leak-tax", scale="smoke", data=data, work=tmp_path / "work", out=None)
    assert not list((tmp_path / "work").rglob("result.json"))


def test_the_full_page_of_twenty_finished_trainings(study_data, tmp_path, finish):
    context = Context("full", study_data, tmp_path / "leak-tax-full")
    data = identify([study_data / "guangzhou"])
    groups = linked_groups(data.patients, data.fingerprints)
    for by in ARMS:
        for number, split in enumerate(leak_tax._splits(data, groups, by, 10)):
            recipe = recipe_contents("leak-tax", {"seed": 42 + number})
            skill = 0.9 if by == "image" else 0.7
            name = f"{by}-{number + 1}"
            finish(context, name, recipe, split, data, skill=skill, seed=10 * number)
    page = run_study("leak-tax", scale="full", data=study_data, work=tmp_path, out=None)
    text, numbers = page.read_text(), json.loads(page.with_suffix(".json").read_text())
    image, patient = (
        [row["accuracy"] for row in numbers["metrics"][by]] for by in ("image", "patient")
    )
    ratio = numbers["held_out_by_training"]
    expected = corrected_interval(np.subtract(image, patient).tolist(), ratio)
    assert numbers["tax"]["accuracy"] == expected.as_dict()
    row = next(line for line in text.splitlines() if line.startswith("| accuracy |"))
    assert f"{expected.value:+.4f} ({expected.low:+.4f} to {expected.high:+.4f})" in row
    assert "trained 10 times" in text
    assert "By image: 10 of 10 splits leak" in text
    assert "By patient: none." in text
    # The two arms hold out different images: nothing on the page may be called a pair.
    assert re.search(r"\bpair", text) is None
    # 20% to be reported of 72 images, ten times.
    answers = re.search(r"held it out: (\d+) of patients .* and (\d+) of others", text)
    assert answers is not None
    assert sum(map(int, answers.groups())) == 10 * math.ceil(0.2 * 72)


ARMS = ("image", "patient")
