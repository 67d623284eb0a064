"""The page of an evaluation: complete, self-contained, and the document's own numbers."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from pneumoscope.evaluation.reports import evaluation_to_html, to_evaluation_document
from pneumoscope.findings import About, BundleIdentity, Message
from pneumoscope.metrics import (
    MapFit,
    MeasuredImage,
    evaluate_figures,
    evaluate_predictions,
    measure_saliency,
)

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
ATTACK = '"><script>alert(1)</script>{{ 7 * 7 }}\x1b[31m\u202e'
SPOKEN = r"<script>alert(1)</script>{{ 7 * 7 }}\x1b[31m\u202e"


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)


def document(
    positive=None,
    images=60,
    bundle="chest",
    folder="set",
    labels=CLASSES,
    column="view",
    group="AP",
    looks=None,
):
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(3), images)
    truth = [labels[i % len(labels)] for i in range(images)]
    patients = [str(i // 2) for i in range(images)]
    negatives = sorted(set(labels) - set(CLASSES))
    given = {"patients": patients, "positive": positive, "negatives": negatives, "resamples": 20}
    summary = evaluate_predictions(probabilities, truth, CLASSES, in_training=2, **given)
    left = slice(3 if images > 5 else 0, None)
    rest = evaluate_predictions(
        probabilities[left], truth[left], CLASSES, **given | {"patients": patients[left]}
    )
    figures = evaluate_figures(
        probabilities, truth, CLASSES, groups={column: [group] * images}, **given
    )
    rates = {"sensitivity": {"value": 0.912, "ci95": [0.9, 0.95]}} | {
        "specificity": {"value": None, "ci95": None}
    }
    point = {"purpose": "rule_in", "class": positive, "threshold": 0.4, "images": images} | rates
    sets = {"coverage": 0.8, "images": 9, "several": 4, "holding_truth": rates["sensitivity"]}
    decided = {
        "operating_points": [point] if positive else [],
        "zones": {"negative": 1, "indeterminate": 2, "positive": 3} if positive else None,
        "prediction_sets": sets if positive else None,
    }
    profile = {"age_group": group, "view": None, "images": images, "chosen_by": {"age": images}}
    return to_evaluation_document(
        summary.as_dict() | figures.as_dict(),
        bundle=BundleIdentity(bundle, "1.0", "ab" * 32, ("made up",)),
        data={
            "folder": folder,
            "images": images + 1,
            "unreadable": ["x.png"],
            "has_patients": True,
            "patient_column": "paper_id",
            "where": {"official_split": "val"},
        },
        overlap={"identical": ["a.png", "b.png"], "near": ["c.png"]},
        without_overlap=rest.as_dict(),
        decisions=decided | {"profiles": [profile | decided]},
        saliency=looks,
        warnings=(
            Message(
                "identical_in_training", About.MODEL, {"identical": 2, "images": 60, "near": 0}
            ),
            Message("intervals_without_patients", About.DATA),
        ),
    )


def looks(column="view", group="AP", *, trained=False, patients=4):
    """Where heatmaps look, as the workflow gives it."""
    fits = [MapFit(*values) for values in ((0.412, 0.321, 0.345, 1), (0.519, 0.234, 0.256, 0))]
    images = [
        MeasuredImage(str(i % patients), 0.123, empty=False, answered=True, heatmap=a, fixed=b)
        for i, (a, b) in enumerate([fits, fits[::-1], fits, fits])
    ]
    summary = measure_saliency(images, resamples=20).as_dict()
    return {
        "label": "PNEUMONIA",
        "boxes": 5,
        "unreadable": [],
        "rule": "made up",
        "verdict": "No better than guessing.",
        "held_out": None if trained else summary,
        "in_training": summary if trained else None,
        "subgroups": {column: [] if trained else [{"group": group} | summary]},
    }


@pytest.fixture(params=[None, "PNEUMONIA"])
def given(request):
    return document(request.param)


def test_the_page_says_what_it_must_in_its_order(given):
    page = Page(evaluation_to_html(given))
    assert page.text.count(given["notice"]) == 2
    warnings = [warning["text"] for warning in given["warnings"]]
    places = [page.text.index(line) for line in (given["notice"], *warnings, "Metrics")]
    assert places == sorted(places)
    assert given["bundle"]["sha256"] in page.text
    assert "x.png" in page.text


def test_the_page_shows_the_numbers_of_the_document(given):
    text = Page(evaluation_to_html(given)).text
    for name in ("accuracy", "brier", "calibration_slope", "auprc", "auroc"):
        if name in given:
            assert f"{given[name]['value']:.3f}" in text
            assert "{:.3f} to {:.3f}".format(*given[name]["ci95"]) in text
    low, high = given["without_overlap"]["brier"]["ci95"]
    told = f"{given['without_overlap']['brier']['value']:.3f} {low:.3f} to {high:.3f}"
    assert told in text
    assert "Without those in training (n = 57)" in text
    assert "2 identical images, 1 that look like changed copies" in text
    for label, row in given["confusion"].items():
        assert (
            f"{label} "
            + " ".join(f"{count} {100 * count / sum(row.values()):.1f}%" for count in row.values())
            in text
        )
    for curve in given["roc"].values():
        assert f"{curve['auroc']['value']:.3f}" in text
    for item in given["reliability"].values():
        assert f"ECE {item['ece']['value']:.3f}; if perfectly calibrated" in text
    for kind in given["per_class"].values():
        for rates in kind.values():
            assert f"{rates['specificity']['value']:.3f}" in text
    assert f"{given['subgroups']['view'][0]['accuracy']['value']:.3f}" in text
    if given["positive"]:
        told = "rule in PNEUMONIA (from 0.4000) 60 0.912 0.900 to 0.950 undefined"
        assert f"{given['profiles'][0]['age_group']} {told}" in text
        assert "PNEUMONIA: ruled out in 1 images, ruled in in 3, neither in 2." in text
        assert "Prediction sets of several classes: 4 of 9 images." in text
    else:
        assert "Thresholds" not in text


def test_there_is_a_figure_for_every_class(given):
    html = evaluation_to_html(given)
    count = len(given["reliability"])
    assert count == (3 if given["positive"] is None else 1)
    assert html.count('class="chart"') == 2 + 3 * count
    roc = html.split('class="chart"')[1].split("<figcaption")[0]
    assert len(re.findall(r'class="line s\d', roc)) == count
    assert len(re.findall(r'class="band s\d', roc)) == count


def test_the_page_needs_nothing_from_outside(given):
    html = evaluation_to_html(given)
    tags = {tag for tag, _ in Page(html).tags}
    assert not tags & {"script", "link", "iframe", "object", "form", "img", "a", "image", "use"}
    assert not re.search(r"https?:|url\(|@import", html)
    assert "default-src 'none'" in html


def test_the_page_can_be_read_by_a_screen_reader(given):
    page = Page(evaluation_to_html(given))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    for tag, attributes in page.tags:
        if tag == "svg" and attributes.get("class") == "chart":
            assert attributes["aria-label"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle": ATTACK},
        {"folder": ATTACK},
        {"column": ATTACK},
        {"group": ATTACK},
        {"positive": "NORMAL", "labels": (*CLASSES, ATTACK)},
        {"looks": looks(column=ATTACK)},
        {"looks": looks(group=ATTACK)},
    ],
    ids=["bundle", "folder", "column", "group", "label", "looks' column", "looks' group"],
)
def test_foreign_text_is_only_text(changes):
    html = evaluation_to_html(document(**changes))
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert SPOKEN in Page(html).text


@pytest.mark.parametrize("images", [1, 2, 5])
@pytest.mark.parametrize("positive", [None, "PNEUMONIA"])
def test_few_images_are_shown_as_undefined_not_as_an_error(images, positive):
    text = Page(evaluation_to_html(document(positive, images))).text
    assert "undefined" in text
    assert "fewer than 20 images" in text


def test_where_it_looks_has_its_verdict_first_and_then_its_numbers():
    given = document(looks=looks())
    page = Page(evaluation_to_html(given))
    found = given["saliency"]["held_out"]["measures"]["auprc"]
    said = (
        "Where the heatmaps of PNEUMONIA look",
        given["saliency"]["verdict"],
        "Not in the bundle's training",
        f"{found['heatmap']['value']:.3f}",
        f"{found['over_fixed_map']['value']:+.3f}",
        "Of these, view AP",
    )
    places = [page.text.index(line) for line in said]
    assert places == sorted(places)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table")


@pytest.mark.parametrize("changes", [{"trained": True}, {"patients": 1}])
def test_where_it_looks_without_a_verdict(changes):
    text = Page(evaluation_to_html(document(looks=looks(**changes)))).text
    assert "No better than guessing." in text
    assert "None" not in text


def test_without_boxes_the_page_says_nothing_of_where_it_looks(given):
    assert "heatmap" not in Page(evaluation_to_html(given)).text
