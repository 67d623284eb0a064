"""Li 2025's page, from ten results that were made up in the shape of real ones."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.errors import InputError
from pneumoscope.lab.datasets import identify
from pneumoscope.lab.networks import create
from pneumoscope.lab.studies import li2025
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.li2025_page import (
    FIGURES,
    Arm,
    layer_parameters,
    published,
    verdict,
    write,
)
from pneumoscope.lab.studies.page import Page

pytestmark = pytest.mark.lab

PUBLISHED = ("0.9793", "97.93", "97.83", "0.0821", "0.9968", "0.9985", "6,944,638 | 6,944,638")
DOCS = Path(__file__).parents[3] / "docs" / "studies"
EPOCHS, SPLITS = 30, 5
LEAK = "131 patients are in more than one part"


def _result(by: str, right: int, images: int, seed: int) -> Result:
    """One training that has `right` of the held-out images right at its kept epoch."""
    rng = np.random.default_rng(seed)
    labels = np.where(np.arange(images) % 4 == 0, "NORMAL", "PNEUMONIA")
    called = labels == "PNEUMONIA"
    wrong = rng.permutation(images)[right:]
    called[wrong] = ~called[wrong]
    positive = np.where(called, 0.9, 0.1)
    # By image the stop part is the hold-out; by patient it is another, and easier here.
    kept = right / images if by == "image" else 0.999
    stop = rng.uniform(0.7, 0.9, EPOCHS)
    stop[rng.integers(EPOCHS - 1)] = kept
    curves = {
        "train_loss": rng.uniform(0.01, 0.6, EPOCHS),
        "train_accuracy": rng.uniform(0.7, 1, EPOCHS),
        "stop_loss": rng.uniform(0.05, 0.6, EPOCHS),
        "stop_accuracy": stop,
    }
    rows = np.stack(list(curves.values()), axis=1).tolist()
    return Result(
        classes=("NORMAL", "PNEUMONIA"),
        epochs=tuple(dict(zip(curves, row, strict=True)) for row in rows),
        files=tuple(f"guangzhou/{i}.jpeg" for i in range(images)),
        patients=tuple(f"guangzhou/p{i // 2}" for i in range(images)),
        labels=tuple(labels.tolist()),
        probabilities=np.stack([1 - positive, positive], axis=1),
        certificate="0" * 64,
        leaks=(LEAK,) if by == "image" else (),
    )


def _arm(by, rights):
    # Patients have different numbers of images, so the hold-outs by patient have different sizes.
    sizes = [485 if by == "image" else 470 + 10 * number for number in range(len(rights))]
    found = [
        _result(by, right, size, seed)
        for seed, (right, size) in enumerate(zip(rights, sizes, strict=True))
    ]
    return Arm(by, tuple(map(li2025._measured, found)))


def _page(tmp_path, image, patient, *, smoke=False):
    arms = [_arm("image", image), _arm("patient", patient)]
    page = Page("li2025", "Li", command="", smoke=smoke)
    write(page, {}, arms)
    path = page.write(tmp_path)
    return arms, path.read_text(), json.loads(path.with_suffix(".json").read_text())


AROUND, ABOVE, BELOW = ([470, 473, 476, 478, 480], [478, 480, 481, 482, 483], [440, 444, 446, 450])
HONEST = [440, 445, 450, 455, 460]


def test_a_smoke_page_names_no_published_figure(tmp_path):
    _, text, _ = _page(tmp_path, AROUND[:2], HONEST[:2], smoke=True)
    assert [figure for figure in PUBLISHED if figure in text] == []
    assert "the spread of the splits" not in text


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The arms, the text and the numbers of a page of ten results."""
    return _page(tmp_path_factory.mktemp("page"), AROUND, HONEST)


def test_the_full_page_names_them_all(whole):
    text = whole[1]
    assert [figure for figure in PUBLISHED if figure not in text] == []


def test_a_published_figure_within_the_spread_is_said_to_lie_there(whole):
    assert "The published 0.9793 lies within the spread of the splits (0.9691 to 0.9897)." in (
        whole[1].splitlines()
    )


@pytest.mark.parametrize(
    ("rights", "side", "sign"), [(ABOVE, "below the worst", "-"), (BELOW, "above the best", "+")]
)
def test_one_outside_it_is_said_to_lie_on_its_side(rights, side, sign):
    shares = np.array(rights) / 485
    told = verdict(shares.tolist())
    assert "lies outside the spread" in told
    assert f"{side} of them" in told
    found = re.search(r"which is (.)(\d+\.\d) standard deviations", told)
    assert found is not None
    assert found[1] == sign
    expected = abs(0.9793 - shares.mean()) / shares.std(ddof=1)
    assert float(found[2]) == pytest.approx(expected, abs=0.05)


def test_the_training_stops_on_the_hold_out_by_image_and_on_other_patients_by_patient(study_data):
    data = identify([study_data / "guangzhou"])
    patients = np.array(data.patients)
    for by in ("image", "patient"):
        for split in li2025._splits(data, by):
            (fold,) = split.folds
            train, stop, report = (fold.indices(part) for part in ("train", "stop", "report"))
            if by == "image":
                assert set(stop) == set(report)
            else:
                parts = [set(patients[part]) for part in (train, stop, report)]
                assert all(parts)
                assert len(set.union(*parts)) == sum(map(len, parts))


def _row(text, start):
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_protocol_is_measured_where_it_says(whole):
    """As published: the best epoch on the held-out images; by patient: the report part."""
    arms, text, _ = whole
    best = _row(text, "by image, best epoch")
    last = _row(text, "by image, last epoch")
    honest = _row(text, "by patient")
    assert best[-1] == ", ".join(f"{right / 485:.4f}" for right in AROUND)
    assert last[-1] == ", ".join(f"{r.epochs[-1]['stop_accuracy']:.4f}" for r in arms[0].results)
    sizes = [470 + 10 * number for number in range(SPLITS)]
    assert honest[-1] == ", ".join(f"{r / n:.4f}" for r, n in zip(HONEST, sizes, strict=True))
    assert [best[1], last[1], honest[1]] == ["0.9793 (one split)", "0.9464 (one split)", "-"]
    accuracy = _row(text, "accuracy")
    # The kept checkpoint's own answers agree with the epoch that it was kept at.
    assert accuracy[1].startswith(best[2])
    assert accuracy[2].startswith(honest[2])


def test_the_epochs_are_those_of_the_splits_by_image(whole):
    arms, text, numbers = whole
    assert "## 30 epochs" in text
    for epoch in range(1, EPOCHS + 1):
        shown = _row(text, f"{epoch} |")
        assert shown[1::2] == [f"{figure:.4f}" for figure in published().epochs[epoch - 1]]
        for cell, figure in zip(shown[2::2], FIGURES, strict=True):
            values = [result.epochs[epoch - 1][figure] for result in arms[0].results]
            assert cell == f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
    assert [len(each["epochs"]) for each in numbers["results"]["image"]] == [EPOCHS] * SPLITS
    assert [each["leaks"] for each in numbers["results"]["patient"]] == [[]] * SPLITS


def test_leaks_and_hold_outs_are_told_from_the_run(whole):
    text = whole[1]
    assert f"By image: 5 of 5 splits leak, the first of them: {LEAK}. By patient: none." in text
    assert "485 images by image and 470 to 510 by patient" in text
    assert re.search(r"\bpair", text) is None


def test_the_published_figures_fit_together():
    """Accuracies are shares of the images, and the best and the last epoch are Table 2's own."""
    stated = published()
    table = np.array(stated.epochs)
    for column, images in ((0, stated.images.train), (2, stated.images.hold_out)):
        right = table[:, column] * images
        np.testing.assert_allclose(right, right.round(), atol=2e-4)
    assert table[:, 2].argmax() + 1 == stated.best.epoch
    assert abs(stated.at(stated.best.epoch, "stop_accuracy") - stated.best.accuracy) < 1e-4
    assert len(stated.epochs) == EPOCHS


def test_every_layer_has_the_parameters_that_are_published():
    network = create("li_cnn", classes=2, size=256, options={})
    assert layer_parameters(network) == [layer.parameters for layer in published().layers]


def test_a_layer_without_running_statistics_would_be_seen():
    from torch import nn

    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.LayerNorm(5))
    assert layer_parameters(network) == [20, 20, 10]


def test_the_best_and_the_last_epoch_are_those_of_each_split(whole):
    arms, text, _ = whole
    results = arms[0].results
    best = [max(range(EPOCHS), key=r.curve("stop_accuracy").__getitem__) for r in results]
    assert _row(text, "best epoch")[-1] == ", ".join(str(epoch + 1) for epoch in best)
    for figure, name in FIGURES.items():
        there = [r.epochs[epoch][figure] for r, epoch in zip(results, best, strict=True)]
        assert _row(text, f"{name}, best")[-1] == ", ".join(f"{value:.4f}" for value in there)
        end = [r.epochs[-1][figure] for r in results]
        assert _row(text, f"{name}, last")[-1] == ", ".join(f"{value:.4f}" for value in end)


def test_a_published_figure_that_no_split_reaches_is_named(whole):
    """The made-up training accuracies and losses are below and above the published ones."""
    arms, text, _ = whole
    told = next(line for line in text.splitlines() if "outside are:" in line)
    for epoch, number in (("best", 29), ("last", 30)):
        for figure, name in FIGURES.items():
            values = arms[0].figures(epoch, figure)
            within = min(values) <= published().at(number, figure) <= max(values)
            assert (f"{name}, {epoch} epoch" in told) is not within


def _measurement(folder, arms):
    """Leave the page and numbers of a run, as another machine made them."""
    page = Page("li2025", li2025.STUDY.title, command="pneumoscope study li2025 --scale full")
    page.source("split image-1", "certificate 0123")
    write(page, {"seed": 1}, arms)
    path = page.write(folder)
    numbers = path.with_suffix(".json")
    kept = json.loads(numbers.read_text())
    kept["made_with"] = {"commit": "ca11ab1e", "machine": "another", "libraries": "old ones"}
    numbers.write_text(json.dumps(kept, indent=1) + "\n")
    return path


def test_the_page_written_again_is_that_of_the_run_and_names_its_machine(whole, tmp_path):
    path = _measurement(tmp_path, whole[0])
    numbers, curves = path.with_suffix(".json"), tmp_path / "li2025-curves.svg"
    run, kept, drawn = path.read_text(), numbers.read_bytes(), curves.read_bytes()
    assert li2025.write_again(numbers) == path
    again = path.read_text()
    rows = ("| commit ", "| machine ", "| libraries ", "| page ")
    assert [line for line in again.splitlines() if not line.startswith(rows)] == [
        line for line in run.splitlines() if not line.startswith(rows)
    ]
    assert [_row(again, row[2:])[1] for row in rows[:3]] == ["ca11ab1e", "another", "old ones"]
    assert _row(again, "page ")[1].startswith("written again from li2025.json at commit")
    assert (numbers.read_bytes(), curves.read_bytes()) == (kept, drawn)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"results": {"image": [{"epochs": 3}]}}'])
def test_what_is_not_the_numbers_of_the_study_is_refused(tmp_path, content):
    numbers = tmp_path / "li2025.json"
    numbers.write_text(content)
    with pytest.raises(InputError, match="not the numbers of study 'li2025'"):
        li2025.write_again(numbers)
    assert list(tmp_path.iterdir()) == [numbers]


def test_the_committed_page_is_the_one_that_its_numbers_give(tmp_path):
    numbers = tmp_path / "li2025.json"
    numbers.write_bytes((DOCS / "li2025.json").read_bytes())
    again = li2025.write_again(numbers).read_text("utf-8").splitlines()
    committed = (DOCS / "li2025.md").read_text("utf-8").splitlines()
    assert [line for line in again if not line.startswith("| page ")] == [
        line for line in committed if not line.startswith("| page ")
    ]
