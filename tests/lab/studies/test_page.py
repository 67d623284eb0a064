"""A study's page: what is on it, and that nothing half-made is left."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from pneumoscope.errors import InputError
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.metrics import Estimate

pytestmark = pytest.mark.lab


def _page(*, smoke: bool = False) -> Page:
    page = Page("trial", "A trial", command="make trial", smoke=smoke)
    page.heading("Figures")
    page.table(["", "published", "measured"], [["accuracy", page.published("0.9876"), "0.5"]])
    page.published_text("The paper says 0.9876.")
    figure = Figure()
    figure.subplots().plot([0, 1], [0.2, 0.9])
    page.figure("curve", figure, "A curve.")
    page.values("measured", {"accuracy": 0.5})
    page.source("set", "sha256 0123")
    return page


def test_the_page_names_its_figures_and_where_they_come_from(tmp_path):
    path = _page().write(tmp_path / "new" / "folder")
    text = path.read_text()
    assert text.startswith("# A trial\n")
    assert "![A curve.](trial-curve.svg)" in text
    assert (path.parent / "trial-curve.svg").read_text().lstrip().startswith("<?xml")
    for fact in ("`make trial`", "sha256 0123", "numpy", "Decision support only"):
        assert fact in text
    numbers = json.loads((path.parent / "trial.json").read_text())
    assert numbers["measured"] == {"accuracy": 0.5}
    assert numbers["sources"] == {"set": "sha256 0123"}


def test_a_smoke_page_shows_no_published_figure(tmp_path):
    page = _page(smoke=True).write(tmp_path)
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "0.9876" not in written
    assert "| accuracy | - | 0.5 |" in page.read_text()
    assert "0.9876" in _page().write(tmp_path).read_text()


def test_the_same_numbers_give_the_same_files(tmp_path):
    one, other = (_page().write(tmp_path / name).parent for name in ("one", "other"))
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_a_number_that_json_lacks_leaves_the_old_page_as_it_is(tmp_path, value):
    _page().write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    page = _page()
    page.text("New.")
    page.values("measured", {"accuracy": [value]})
    with pytest.raises(ValueError, match="JSON"):
        page.write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_is_left_of_a_page_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        _page().write(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_row_that_does_not_fit_its_header_is_refused():
    with pytest.raises(ValueError, match="a row of 1 under a header of 2"):
        _page().table(["a", "b"], [["1"]])


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.51249, 0.4, 0.61), "0.512 (0.400 to 0.610)"),
        (Estimate(0.5), "0.500 (no interval)"),
        (Estimate(None), "-"),
    ],
)
def test_an_estimate_is_written_with_its_interval(estimate, text):
    assert with_interval(estimate) == text
