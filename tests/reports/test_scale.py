"""The figure of the result: nothing outside it, the points where they belong, words for each."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from pneumoscope.reports.scale import zone_scale

LETTER = 7.5


def drawn(make, **changes) -> ElementTree.Element:
    return ElementTree.fromstring(zone_scale(make(**changes).decision))  # noqa: S314


@pytest.mark.parametrize("pneumonia", [0.0, 0.004, 0.119, 0.31, 0.7, 0.9999, 1.0])
@pytest.mark.parametrize(
    ("rule_out", "rule_in"),
    [(0.12, 0.55), (0.0, 1.0), (0.5, 0.5), (0.98, 0.99), (0.003, 0.004), (0.3, None), (None, 0.6)],
)
def test_nothing_leaves_the_figure(make, pneumonia, rule_out, rule_in):
    figure = drawn(make, pneumonia=pneumonia, rule_out=rule_out, rule_in=rule_in)
    _, _, width, height = map(float, figure.attrib["viewBox"].split())
    edges = {"middle": (0.5, 0.5), "start": (0.0, 1.0), "end": (1.0, 0.0)}
    for text in figure.iter("text"):
        before, after = edges[text.attrib["class"].split()[0]]
        long = len(text.text) * LETTER
        assert float(text.attrib["x"]) - before * long >= 0, text.text
        assert float(text.attrib["x"]) + after * long <= width, text.text
        assert 0 < float(text.attrib["y"]) <= height
    zones = [(float(r.attrib["x"]), float(r.attrib["width"])) for r in figure.iter("rect")]
    assert all(wide > 0 for _, wide in zones)
    # Together they cover the line without gap or overlap, to the tenth that is written.
    for (left, wide), (following, _) in pairwise(zones):
        assert left + wide == pytest.approx(following, abs=0.2)


def test_the_mark_lies_in_the_zone_that_the_headline_names(make):
    for pneumonia, zone in ((0.05, "negative"), (0.31, "indeterminate"), (0.8, "positive")):
        figure = drawn(make, pneumonia=pneumonia)
        (mark,) = figure.iter("path")
        at = float(mark.attrib["d"].split()[0].removeprefix("M"))
        (name,) = [
            rect.attrib["class"].split()[1]
            for rect in figure.iter("rect")
            if float(rect.attrib["x"]) <= at
            and at < float(rect.attrib["x"]) + float(rect.attrib["width"])
        ]
        assert name == zone


def test_every_number_of_the_figure_is_written_in_it(make):
    words = " ".join(text.text for text in drawn(make, pneumonia=0.31).iter("text"))
    for part in ("this image 0.310", "rule-out point 0.1200", "rule-in point 0.5500"):
        assert part in words


def test_without_points_there_is_no_figure(make):
    assert zone_scale(make(rule_out=None, rule_in=None).decision) is None
