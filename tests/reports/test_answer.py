"""The words of the result: one headline, as which age group, how much doubt, what the map is."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentence
from pneumoscope.decision import confidence
from pneumoscope.documents import to_document
from pneumoscope.findings import (
    About,
    AgeGroupChoice,
    BundleIdentity,
    Decision,
    Diagnosis,
    Heatmap,
    Message,
    OperatingPoint,
    PatientContext,
    Purpose,
    Radiograph,
    Zone,
)
from pneumoscope.reports.answer import (
    ZONE_NAMES,
    grad_cam_words,
    headline,
    map_title,
    map_words,
    not_taught,
    point_words,
    result_words,
)
from pneumoscope.reports.wording import format_share

THE_PLACE = "for the place of a finding"
CHILD = AgeGroupChoice("children", "image", 0.98)
ANYONE = AgeGroupChoice("everyone", "only")


@pytest.fixture
def make(make):
    """The documents of made-up diagnoses."""
    return lambda **changes: to_document(make(**changes))


def told(diagnosis) -> dict[str, str]:
    return dict(result_words(diagnosis))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"pneumonia": 0.31},
            "PNEUMONIA: indeterminate (probability 0.310, between the rule-out point 0.1200 and "
            "the rule-in point 0.5500)",
        ),
        (
            {"pneumonia": 0.55},
            "PNEUMONIA: positive (probability 0.550, at or above the rule-in point 0.5500)",
        ),
        (
            {"pneumonia": 0.05},
            "PNEUMONIA: unlikely (probability 0.050, below the rule-out point 0.1200; most "
            "probable: ABNORMAL)",
        ),
        (
            {"pneumonia": 0.8, "rule_out": 0.9, "rule_in": 0.9},
            "PNEUMONIA: unlikely (probability 0.800, below the rule-out point 0.9000)",
        ),
        (
            {"pneumonia": 0.8, "rule_in": None},
            "PNEUMONIA: indeterminate (probability 0.800, at or above the rule-out point 0.1200; "
            "this model has no rule-in point)",
        ),
        (
            {"pneumonia": 0.2, "rule_out": None},
            "PNEUMONIA: indeterminate (probability 0.200, below the rule-in point 0.5500; this "
            "model has no rule-out point)",
        ),
        (
            {"pneumonia": 0.2, "rule_out": None, "rule_in": None},
            "ABNORMAL (most probable class, probability 0.480)",
        ),
        ({"abstained": True}, "No result from the image"),
    ],
)
def test_the_headline_is_the_zone_of_the_positive_class(make, changes, line):
    assert headline(make(**changes)).line == line


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@example(0.1804, 0.18035, 0.5)
@example(0.181045, 0.18104, 0.18105)
@example(0.9997, 0.99965, 0.99975)
def test_the_headline_never_leaves_the_zone_open_to_doubt(value, low, high):
    """The words say the zone, and the numbers as they are written stand on the sides they say."""
    low, high = sorted((low, high))
    shown = headline_of(value, low, high)
    zone = Zone.POSITIVE if value >= high else Zone.NEGATIVE if value < low else Zone.INDETERMINATE
    assert shown.call == f"PNEUMONIA: {ZONE_NAMES[zone]}"
    side = {
        Zone.POSITIVE: "at or above the rule-in point",
        Zone.NEGATIVE: "below the rule-out point",
        Zone.INDETERMINATE: "between the rule-out point",
    }[zone]
    assert side in shown.detail
    written = _written(shown.detail, "probability")
    for threshold, name in ((low, "rule-out point"), (high, "rule-in point")):
        if name in shown.detail:
            assert (written >= _written(shown.detail, name)) == (value >= threshold)


def _written(detail: str, name: str) -> float:
    """Read back the number after a name; the one in brackets where there is one."""
    found = re.search(rf"{name} ([<>]?)([\d.e-]+)(?: \(([\d.e-]+)\))?", detail)
    assert found is not None
    return float(found[3] or {"<": 0, ">": 1}.get(found[1], found[2]))


def headline_of(value: float, low: float, high: float):
    probabilities = {"NORMAL": 1 - value, "PNEUMONIA": value}
    decision = Decision(
        probabilities,
        max(probabilities, key=probabilities.__getitem__),
        confidence(probabilities),
        ANYONE,
        operating_points=(
            OperatingPoint(Purpose.RULE_OUT, "PNEUMONIA", low, "sensitivity 0.95"),
            OperatingPoint(Purpose.RULE_IN, "PNEUMONIA", high, "specificity 0.90"),
        ),
    )
    heatmap = Heatmap(np.zeros((32, 32), np.float32), np.zeros((32, 32), bool), 0, (), "PNEUMONIA")
    radiograph = Radiograph(np.zeros((32, 32), np.float32), "a.png", "PNG", 8)
    identity = BundleIdentity("small", "1", "0" * 64)
    return headline(to_document(Diagnosis(identity, radiograph, decision, heatmap, None)))


@pytest.mark.parametrize(
    ("pneumonia", "meaning"),
    [
        (0.8, "The image speaks for PNEUMONIA."),
        (0.3, "The image alone rules PNEUMONIA neither in nor out."),
        (0.1, "The image speaks against PNEUMONIA."),
    ],
)
def test_the_zone_is_explained_with_its_class(make, pneumonia, meaning):
    words = told(make(pneumonia=pneumonia))["What it means"]
    assert words == f"PNEUMONIA means opacity that suggests pneumonia. {meaning}"


@pytest.mark.parametrize(
    ("group", "age", "view", "words"),
    [
        (AgeGroupChoice("adults", "age"), 56, "", "adult (age 56)"),
        (AgeGroupChoice("adults", "age"), 56, "AP", "adult (age 56), AP view"),
        (AgeGroupChoice("children", "age"), 0.6, "", "child (age 7 months)"),
        (CHILD, None, "", "child (by the picture, probability 0.980; the age was not given)"),
        (AgeGroupChoice("over 65", "age"), 71, "", "over 65 (age 71)"),
        (ANYONE, 56, "", "any age (this model makes no difference by age)"),
        (
            AgeGroupChoice("adults", "only"),
            None,
            "PA",
            "adult (this model reads no other age group), PA view",
        ),
    ],
)
def test_a_result_says_as_which_age_group_it_was_read(make, group, age, view, words):
    assert told(make(group=group, view=view, patient=PatientContext(age)))["Read as"] == words


def test_what_was_not_taught_for_the_age_group_is_named(make):
    child = make(group=CHILD, untaught=True)
    assert not_taught(child.decision) == ("ABNORMAL",)
    assert "No image labelled ABNORMAL of children taught the model" in told(child)["Not taught"]
    assert "Not taught" not in told(make())


@pytest.mark.parametrize(
    ("fits", "words"),
    [
        (("PNEUMONIA",), "fits PNEUMONIA only."),
        (("PNEUMONIA", "NORMAL"), "fits PNEUMONIA or NORMAL: a reader must decide."),
        (
            ("PNEUMONIA", "ABNORMAL", "NORMAL"),
            "fits PNEUMONIA, ABNORMAL or NORMAL: a reader must decide.",
        ),
    ],
)
def test_the_prediction_set_says_when_a_reader_must_decide(make, fits, words):
    assert told(make(fits=fits))["Prediction set"].startswith(f"At 90% coverage the image {words}")
    assert "Prediction set" not in told(make())


def test_the_points_are_explained_with_the_rates_measured_at_them(make):
    words = point_words(make(view="AP").decision)
    rule_out, rule_in, between, whose = words
    for sentence, first, second in (
        (rule_out, "finds 95.1% (91.2% to 98.3%)", "clears 61.4% (57.6% to 65.8%)"),
        (rule_in, "clears 90.5% (87.1% to 93.4%)", "finds 64.2% (58.3% to 70.4%)"),
    ):
        assert sentence.index(first) < sentence.index(second)
        assert "How it was chosen: rule of rule_" in sentence
    assert rule_out.startswith("Rule-out point 0.1200: below it the image speaks against PNEUMONIA")
    assert rule_in.startswith("Rule-in point 0.5500: at or above it the image speaks for PNEUMONIA")
    assert "indeterminate" in between
    assert "images of adults in AP view that neither taught nor calibrated the model" in whose
    assert "not for this patient" in whose


def test_a_point_without_rates_sends_to_the_card(make):
    decision = make(rule_in=None).decision
    (point,) = decision.operating_points
    bare = replace(decision, operating_points=(replace(point, sensitivity=None, specificity=None),))
    (words,) = point_words(bare)
    assert "in the model card (pneumoscope bundle info)" in words
    assert "95% intervals" not in words
    assert point_words(make(rule_out=None, rule_in=None).decision) == ()


@pytest.mark.parametrize(
    ("pneumonia", "rule_out", "rule_in", "differs"),
    [
        (0.8, 0.12, 0.55, False),
        (0.3, 0.1, 0.2, True),
        (0.8, 0.9, 0.9, True),
        (0.05, 0.12, 0.55, False),
        (0.31, 0.12, 0.55, False),
    ],
)
def test_a_zone_that_differs_from_the_most_probable_class_says_so(
    make, pneumonia, rule_out, rule_in, differs
):
    decision = make(pneumonia=pneumonia, rule_out=rule_out, rule_in=rule_in).decision
    words = " ".join(point_words(decision))
    assert (f"The most probable class is {decision.predicted}" in words) == differs
    assert ("Between them" in words) == (rule_out != rule_in)


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("lateral_view", {"view": "LL"}),
        ("unlike_training", {"distance": 9.0, "limit": 5.0}),
        ("unlike_training_of_group", {"group": "adults", "distance": 9.0, "limit": 5.0}),
        ("body_part", {"body_part": "HAND"}),
        ("modality", {"modality": "MR", "reads": "chest radiograph", "modalities": ("CR", "DX")}),
    ],
)
def test_an_abstention_says_why_what_it_means_and_what_to_do(make, code, values):
    why = Message(code, About.IMAGE, values)
    shown = told(make(abstained=True).model_copy(update={"abstained": why}))
    assert list(shown) == ["Why", "What it means", "What to do"]
    assert shown["Why"] == to_sentence(why)
    assert "neither for nor against" in shown["What it means"]
    assert shown["What to do"].endswith(".")
    del shown["Why"]
    assert not any(char.isdigit() for char in " ".join(shown.values()))


def test_a_checked_map_says_so_and_an_unchecked_one_warns(make):
    checked = " ".join(map_words(make(evidence=0.82)))
    assert "For adults this map was checked against radiologists' boxes" in checked
    assert "The highest is 0.8" in checked
    assert "87.3% of the map lies inside the lung fields" in checked
    assert THE_PLACE not in checked

    unchecked = " ".join(map_words(make(evidence=0.82, why_not="no boxes were at hand")))
    assert "Nothing is outlined: no boxes were at hand." in unchecked
    assert "was checked" not in unchecked
    assert THE_PLACE in unchecked

    published = " ".join(map_words(make()))
    assert f"Do not take the outlined region {THE_PLACE}" in published
    assert "was checked" not in published
    assert map_words(make(abstained=True)) == ()


def test_a_map_is_named_by_what_it_shows(make):
    assert map_title(make(evidence=0.8).heatmap).startswith("Probability that radiologists")
    assert map_title(make(pneumonia=0.1).heatmap) == "Where the network looked for ABNORMAL"


def test_a_grad_cam_that_is_not_outlined_is_told_as_not_checked(make):
    heatmap = make().heatmap
    words = " ".join(grad_cam_words(heatmap, outlined=False))
    assert "Not checked for place" in words
    assert "utlined" not in words
    empty = heatmap.model_copy(update={"highest": 0.0})
    assert "It is empty" in " ".join(grad_cam_words(empty, outlined=False))


@given(st.floats(0, 1))
def test_a_share_never_looks_more_complete_than_it_is(value):
    shown = format_share(value)
    assert (shown == "100.0%") == (value == 1)
    assert (shown == "0.0%") == (value == 0)
    assert abs(float(shown.strip("<>%")) / 100 - value) <= 0.001


def test_shares_keep_their_order():
    shown = [format_share(value).strip("<>%") for value in np.linspace(0, 1, 2001)]
    assert all(float(a) <= float(b) for a, b in pairwise(shown))
