"""The terminal: complete, and safe with foreign text."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from pneumoscope.catalogue import to_sentences
from pneumoscope.documents import to_document
from pneumoscope.findings import NOTICE, About, BundleIdentity, Message, SeverityLevel
from pneumoscope.metrics import evaluate_predictions
from pneumoscope.reports import (
    EvaluationData,
    evaluation_to_text,
    format_probability,
    to_evaluation_document,
    to_text,
)
from pneumoscope.reports.answer import headline, map_words, point_words, result_words
from pneumoscope.severity import SYMPTOMS

CLASSES = ("ABNORMAL", "NORMAL", "[red]PNEUMONIA")


@pytest.fixture
def make(make):
    """The documents of made-up diagnoses."""
    return lambda **changes: to_document(make(**changes))


def show(renderable, *, width: int = 200, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=colour, no_color=not colour).print(renderable)
    return out.getvalue()


def joined(text: str) -> str:
    """Drop the frames and line breaks."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("width", [60, 200])
def test_every_variant_says_what_it_must(diagnosis, width):
    text = joined(show(to_text(diagnosis), width=width))
    assert diagnosis.notice in text
    for warning in to_sentences(diagnosis.warnings):
        assert warning in text
    assert headline(diagnosis).line in text
    for name, words in result_words(diagnosis):
        assert f"{name}: {words}" in text
    for words in map_words(diagnosis):
        assert words in text
    if diagnosis.abstained is None:
        for words in point_words(diagnosis.decision):
            assert words in text
        assert "not a probability" in text
        published = diagnosis.severity and diagnosis.severity.rule_base == "baral2025"
        assert ("share in the severity" in text) == bool(published)
        for value in diagnosis.decision.probabilities.values():
            assert format_probability(value) in text
    if diagnosis.severity is not None:
        assert f"Severity: {diagnosis.severity.level.upper()}" in text
        assert all(rule.rule in text for rule in diagnosis.severity.fired)
        if diagnosis.severity.rule_base == "guideline":
            for score in diagnosis.severity.bedside:
                assert score.agreement in text
            assert diagnosis.severity.trace[-1] in text


def test_a_level_that_missing_symptoms_leave_open_is_never_given_alone(make):
    few = {"ill": True, "rule_base": "guideline", "missing": ("oxygen_level", "confusion")}
    diagnosis = make(**few)
    assert diagnosis.severity.interval.most is SeverityLevel.SEVERE
    missing = "confusion, oxygen level, respiratory rate, systolic pressure"
    head = f"Severity: {diagnosis.severity.level.upper()} to SEVERE, until known: {missing}"
    assert head in joined(show(to_text(diagnosis)))


def test_a_headline_counts_what_is_missing_where_it_is_much(make):
    diagnosis = make(ill=True, rule_base="guideline", missing=tuple(SYMPTOMS))
    assert "until known: 13 values that were not given" in joined(show(to_text(diagnosis)))


def test_what_limits_the_answer_stands_beside_it(make):
    warnings = (
        Message("rule_base_as_published", About.SEVERITY, {"rule_base": "baral2025"}),
        Message("for_processing", About.IMAGE),
    )
    caveat, raw = to_sentences(warnings)
    text = joined(show(to_text(make(ill=True, warnings=warnings))))
    order = (
        "PNEUMONIA: positive",
        "What it means: ",
        f"Warning: {raw}",
        "no finding that the network was taught",
        "Severity: ",
        f"Warning: {caveat}",
        "Points per level",
    )
    places = [text.index(line) for line in order]
    assert places == sorted(places)


def test_there_is_one_headline(make):
    """The most probable class is bold in its table, never a second result."""
    text = joined(show(to_text(make(pneumonia=0.31))))
    assert text.count("indeterminate (probability") == 1
    for name in ("NORMAL", "ABNORMAL"):
        assert f"{name}:" not in text
        assert f"{name} positive" not in text


def test_a_class_that_was_not_taught_is_marked_in_the_table(make):
    text = joined(show(to_text(make(untaught=True))))
    assert "ABNORMAL 0.000 not taught" in text
    assert "not taught" not in joined(show(to_text(make())))


@pytest.mark.parametrize("colour", [False, True])
def test_foreign_text_is_neither_markup_nor_control(make, colour):
    attack = "[bold]a[/nothing]\x1b]0;title\x07\r\n\x9b31m\u202e"
    warning = Message("must_not_be_used", About.MODEL, {"bundle": "b", "uses": (attack,)})
    bundle = BundleIdentity(attack, "1", "0" * 64)
    diagnosis = make(name=attack, bundle=bundle, warnings=(warning,))
    text = show(to_text(diagnosis), colour=colour)
    shown = r"[bold]a[/nothing]\x1b]0;title\x07\r\n\x9b31m\u202e"
    assert text.count(shown) == 3
    assert not any(char in text for char in "\x07\r\x9b\u202e")
    assert "\x1b]" not in text


def decisions(label=None):
    """What thresholds and prediction sets give, as `measure_decisions` tells it."""
    rate, undefined = {"value": 0.9, "ci95": [0.8, 0.95]}, {"value": None, "ci95": None}
    point = {"purpose": "rule_out", "class": label, "threshold": None, "images": 45}
    points = [point | {"sensitivity": rate, "specificity": undefined}]
    sets = {"coverage": 0.9, "images": 45, "several": 7, "holding_truth": rate}
    figures = {
        "operating_points": points,
        "zones": {"negative": 20, "indeterminate": 25, "positive": 0},
        "prediction_sets": sets,
    }
    if label is None:
        figures = {"operating_points": [], "zones": None, "prediction_sets": None}
    mine = figures | {"operating_points": [p | {"threshold": 0.25, "images": 15} for p in points]}
    profiles = [
        {"age_group": "adults", "view": view, "images": 15, "chosen_by": {chosen: 15}} | mine
        for view, chosen in (("AP", "age"), (None, "image"))
    ]
    none = {"age_group": "everyone", "view": None, "images": 45, "chosen_by": {"only": 45}}
    return figures | {"profiles": profiles if label else [none | figures]}


def document(**kwargs):
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(3), 45)
    labels = [CLASSES[i % 3] for i in range(45)]
    summary = evaluate_predictions(
        probabilities,
        labels,
        CLASSES,
        positive=kwargs.pop("positive", None),
        abstained=5,
        in_training=kwargs.pop("in_training", 0),
        resamples=20,
    )
    data = EvaluationData(
        folder="set\x1b",
        images=46,
        unreadable=["[b]x.png"],
        has_patients=True,
        patient_column="patient_id",
        where={},
    )
    bundle = BundleIdentity("small", "0.1", "f" * 64)
    overlap = kwargs.pop("overlap", {"identical": [], "near": None})
    kwargs = {"decisions": decisions()} | kwargs
    return to_evaluation_document(
        summary.as_dict(), bundle=bundle, data=data, overlap=overlap, **kwargs
    )


def test_an_evaluation_shows_its_numbers():
    given = document(
        positive=CLASSES[2],
        in_training=7,
        decisions=decisions(CLASSES[2]),
        warnings=(Message("intervals_without_patients", About.DATA),),
    )
    text = joined(show(evaluation_to_text(given)))
    assert NOTICE in text
    for name in ("accuracy", "brier", "auroc", "calibration_slope", "f1"):
        low, high = given[name]["ci95"]
        assert f"{given[name]['value']:.3f} {low:.3f} to {high:.3f}" in text
    for label, row in given["confusion"].items():
        assert f"{label} {' '.join(map(str, row.values()))}" in text
    assert "45 images (45 patients), 5 of them refused by diagnose but scored, and 1 unread" in text
    told = f"rule out {CLASSES[2]} (each profile's own) 45 0.900 (0.800 to 0.950) undefined"
    assert f"all images {told}" in text
    assert f"adults, AP view rule out {CLASSES[2]} (from 0.2500) 15 0.900" in text
    assert f"{CLASSES[2]}: ruled out in 20 images, ruled in in 0, neither in 25." in text
    assert "Prediction sets of several classes: 7 of 45 images." in text
    assert "0.900 (0.800 to 0.950), stated: 0.9." in text
    assert "The age of 15 images is not known" in text
    assert "[b]x.png" in text
    assert "Metrics, positive class [red]PNEUMONIA" in text
    assert r"set\x1b" in text
    assert text.index("Warning: No patient is known") < text.index("Metrics")
    assert "0 identical images, changed copies not known" in text


def test_an_evaluation_shows_its_figures_without_the_training_images():
    seen = {"identical": ["a.png"], "near": ["b.png", "c.png"]}
    rest = {"n": 42, "patients": 42, "brier": {"value": 0.125, "ci95": [0.0625, 0.25]}}
    given = document(overlap=seen, without_overlap=document() | rest)
    text = joined(show(evaluation_to_text(given)))
    assert "1 identical images, 2 that look like changed copies" in text
    assert "Without those in training (n = 42)" in text
    assert "0.125 0.062 to 0.250" in text


def test_an_evaluation_without_extras_is_quiet_about_them():
    text = joined(show(evaluation_to_text(document())))
    for word in ("training data", "Threshold", "Prediction set", "age of", "Warning", "AUROC of"):
        assert word not in text


def test_an_undefined_metric_is_called_undefined():
    given = document()
    given["accuracy"] = {"value": None, "ci95": None}
    assert "Accuracy undefined none" in joined(show(evaluation_to_text(given)))
