"""Figures: axes hold their data, points lie where they should, foreign text is only text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.evaluation.reports.charts import (
    Chart,
    fitted_axis,
    interval_bar,
    mirrored_axis,
    unit_axis,
)


def chart(**changes):
    return Chart("about", unit_axis("across"), unit_axis("up"), **changes)


def parsed(svg):
    return ElementTree.fromstring(str(svg))  # noqa: S314 (our own output)


def points(svg, tag="polyline"):
    return [
        [tuple(map(float, pair.split(","))) for pair in item.get("points").split()]
        for item in parsed(svg).iter(tag)
    ]


@given(st.floats(-1, 0), st.floats(0.001, 1))
def test_a_fitted_axis_holds_its_data_with_few_round_ticks(low, high):
    axis = fitted_axis("benefit", low, high)
    assert axis.low <= low + 1e-6
    assert axis.high >= high - 1e-6
    assert 2 <= len(axis.ticks) <= 9
    assert all(len(text) <= 6 for text in axis.ticks.values())


def test_lines_run_from_corner_to_corner():
    drawn = chart()
    drawn.line([(0, 0), (1, 1)], "s0")
    (((x0, y0), (x1, y1)),) = points(drawn.svg())
    inside = parsed(drawn.svg()).find("svg")
    assert (x0, y1) == (0, 0)
    assert (x1, y0) == (float(inside.get("width")), float(inside.get("height")))


def test_steps_hold_back_and_bands_leave_out_what_is_not_known():
    drawn = chart()
    drawn.steps([(0.5, 1), (1, 0.5)], "s0")
    drawn.band([0, 0.5, 1], [None, 0.2, 0.3], [0.5, 0.6, 0.7], "s0")
    drawn.band([0, 1], [None, None], [None, None], "s1")
    ((a, b, c, d),) = points(drawn.svg())
    assert a[1] == b[1] == 0
    assert b[0] == c[0]
    assert c[1] == d[1]
    (outline,) = points(drawn.svg(), "polygon")
    assert len(outline) == 4


def test_bars_without_height_are_left_out():
    drawn = Chart("about", unit_axis("across"), mirrored_axis("Images", 4))
    drawn.bar(0, 0.5, 0, 4, "s0")
    drawn.bar(0.5, 1, 0, 0, "s0")
    assert str(drawn.svg()).count("<rect") == 1
    assert re.findall(r">(\d+)</text>", str(drawn.svg())).count("4") == 2


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "a\x1b[31m\u202eb"])
def test_foreign_text_is_only_text(text):
    svg = str(Chart(text, unit_axis(text), unit_axis(text)).svg())
    assert "<script" not in svg
    assert "\x1b" not in svg
    assert "\u202e" not in svg
    parsed(svg)


def test_a_row_of_the_forest_shows_what_there_is():
    axis = fitted_axis("AUROC", 0.5, 1)
    assert "circle" not in interval_bar(None, None, axis, None)
    assert "whisker" not in interval_bar(0.7, None, axis, None)
    assert "reference" in interval_bar(0.7, [0.6, 0.8], axis, 0.75)
