"""Li 2025's page, from results that were made up."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import li2025
from pneumoscope.lab.studies.experiment import Result
from pneumoscope.lab.studies.page import Page

pytestmark = pytest.mark.lab

PUBLISHED = ("0.9793", "97.93", "97.83", "0.0821", "0.9968", "0.9985", "6,944,638 | 6,944,638")


def _result(seed: int) -> Result:
    rng = np.random.default_rng(seed)
    positive = rng.random(20)
    return Result(
        classes=("NORMAL", "PNEUMONIA"),
        epochs=tuple(
            dict.fromkeys(("train_loss", "train_accuracy", "stop_loss", "stop_accuracy"), value)
            for value in rng.uniform(0.6, 0.7, 3).tolist()
        ),
        files=tuple(f"{i}.png" for i in range(20)),
        patients=tuple(f"p{i}" for i in range(20)),
        labels=("NORMAL", "PNEUMONIA") * 10,
        probabilities=np.stack([1 - positive, positive], axis=1),
        certificate="0" * 64,
        leaks=("made up",),
    )


def _page(tmp_path, *, smoke: bool) -> str:
    arms = [
        li2025._Arm("image", (_result(1), _result(2))),
        li2025._Arm("patient", (_result(3), _result(4))),
    ]
    page = Page("li2025", "Li", command="", smoke=smoke)
    li2025._write(page, {}, arms)
    return page.write(tmp_path).read_text()


def test_a_smoke_page_names_no_published_figure(tmp_path):
    text = _page(tmp_path, smoke=True)
    assert [figure for figure in PUBLISHED if figure in text] == []


def test_the_full_page_names_them_all(tmp_path):
    text = _page(tmp_path, smoke=False)
    assert [figure for figure in PUBLISHED if figure not in text] == []
    assert "lies outside the spread of the splits" in text
