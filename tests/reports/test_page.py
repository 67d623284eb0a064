"""The page: complete, self-contained, and safe with foreign text."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image

from pneumoscope.catalogue import to_sentence, to_sentences
from pneumoscope.documents import to_document
from pneumoscope.findings import (
    About,
    AgeGroupChoice,
    BundleIdentity,
    Decision,
    EngineInfo,
    ImageKind,
    Message,
    PatientContext,
    PatientIdentity,
    Provenance,
    SeverityLevel,
)
from pneumoscope.reports import format_probability
from pneumoscope.reports import to_html as page_of
from pneumoscope.reports.answer import (
    grad_cam_words,
    headline,
    map_words,
    point_words,
    result_words,
)
from pneumoscope.reports.wording import level_meaning
from pneumoscope.severity import SYMPTOMS, assess

IDENTITY = PatientIdentity("Doe^Jane", "MRN-1", "19700102")
VOID = {"meta", "img", "br", "hr", "link"}


def to_html(diagnosis) -> str:
    """With the pictures."""
    return page_of(to_document(diagnosis), diagnosis)


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails where tags are not closed in order."""

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

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)


def test_a_ct_slice_is_not_called_a_radiograph(make):
    reads = replace(make().bundle, reads=ImageKind.CHEST_CT)
    shown = Page(to_html(make(bundle=reads, ill=True)))
    assert "Chest CT slice report" in shown.text
    assert "CT slice with map" in shown.text
    assert "radiograph" not in shown.text.lower()
    # Its share in the published severity: a slice has none.
    assert "share in the severity" not in shown.text
    assert "share in the severity" in Page(to_html(make(ill=True))).text
    assert all("adiograph" not in (image["alt"] or "") for image in shown.named("img"))


def test_an_image_that_was_not_read_is_called_an_image(make):
    shown = Page(to_html(make(abstained=True)))
    assert "Chest image report" in shown.text
    assert shown.named("img")[0]["alt"].startswith("Image ")


def test_every_variant_says_what_it_must(diagnosis):
    page = Page(to_html(diagnosis))
    assert page.text.count(diagnosis.notice) == 2
    assert page.text.index(diagnosis.notice) < 150
    assert diagnosis.bundle.sha256 in page.text
    for warning in to_sentences(diagnosis.warnings):
        assert warning in page.text
    document = to_document(diagnosis)
    shown = headline(document)
    assert f"Result {shown.call} {shown.detail}".strip() in page.text
    for name, words in result_words(document):
        assert f"{name} {words}" in page.text
    assert all(words in page.text for words in map_words(document))
    if diagnosis.abstained is None:
        assert all(words in page.text for words in point_words(diagnosis.decision))
        assert "index from 0 to 1, not a probability" in page.text
        for value in diagnosis.decision.probabilities.values():
            assert format_probability(value) in page.text


def test_there_is_one_headline_and_the_classes_are_a_table_under_it(make):
    page = Page(to_html(make(pneumonia=0.31)))
    assert page.text.count("Result ") == 1
    assert "Most probable class" not in page.text
    places = [page.text.index(w) for w in ("PNEUMONIA: indeterminate", "Class probabilities")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("pneumonia", "zone", "word"),
    [
        (0.05, "negative", "unlikely"),
        (0.31, "indeterminate", "indeterminate"),
        (0.8, "positive", "positive"),
    ],
)
def test_the_zone_is_told_by_words_and_never_by_colour_alone(make, pneumonia, zone, word):
    page = Page(to_html(make(pneumonia=pneumonia)))
    assert f"PNEUMONIA: {word}" in page.text
    (section,) = [a for a in page.named("section") if "answer" in (a.get("class") or "")]
    assert (section["class"] or "").split() == ["answer", zone]
    (scale,) = [a for a in page.named("svg") if a["class"] == "scale"]
    assert format_probability(pneumonia) in scale["aria-label"]
    assert "rule-out point 0.1200, rule-in point 0.5500" in scale["aria-label"]


def test_the_grad_cam_stands_beside_the_map_and_is_labelled_as_not_checked(make):
    diagnosis = make(evidence=0.8)
    page = Page(to_html(diagnosis))
    first, second = page.named("img")
    words = " ".join(grad_cam_words(to_document(diagnosis).grad_cam, outlined=False))
    assert "Not checked for place" in words
    assert words in page.text
    assert words in second["alt"]
    assert first["src"] != second["src"]
    assert len(Page(to_html(make())).named("img")) == 1


def test_what_was_not_taught_is_told_above_the_table_and_in_it(make):
    group = AgeGroupChoice("children", "image", 0.98)
    text = Page(to_html(make(group=group, untaught=True))).text
    told, row = text.index("No image labelled ABNORMAL of children"), text.index("not taught 0.000")
    assert told < row


@pytest.mark.parametrize("rule_base", ["baral2025", "guideline"])
def test_severity_loses_no_reason(make, rule_base):
    diagnosis = make(ill=True, rule_base=rule_base)
    page = Page(to_html(diagnosis))
    for rule in diagnosis.severity.fired:
        assert to_sentence(rule.explanation) in page.text
        assert rule.because in page.text
    explanations = [rule.explanation for rule in diagnosis.severity.fired]
    for step in diagnosis.severity.trace:
        told_of_a_rule = step.values.get("explanation") in explanations
        assert (to_sentence(step) in page.text) != told_of_a_rule
    assert to_sentence(diagnosis.severity.trace[-1]) in page.text
    assert "open" in page.named("details")[0]
    for unit in ("°C", "days", "%", "severity scale"):
        assert unit in page.text


def test_a_score_below_a_cut_is_not_printed_as_the_cut(make):
    """Confusion of 0.1994 is 0.497 present: 1.497 with the fever, which is mild."""
    symptoms = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 38, "oxygen_level": 98}
    symptoms |= {"respiratory_rate": 16, "systolic_pressure": 120}
    severity = assess(symptoms | {"confusion": 0.1994}, patient=PatientContext(40))
    page = Page(to_html(replace(make(ill=True), severity=severity)))
    assert severity.level is SeverityLevel.MILD
    assert page.text.count("1.497") == 2
    assert "1.50" not in page.text
    assert "0.497" in page.text


def test_the_levels_meaning_stands_on_the_page(make):
    diagnosis = make(ill=True, rule_base="guideline")
    text = Page(to_html(diagnosis)).text
    assert level_meaning(diagnosis.severity) in text
    assert "urgent" in text
    assert "urgent, to be seen" not in Page(to_html(make(ill=True))).text


def test_every_value_has_its_figure_of_memberships(make):
    severity = make(ill=True, rule_base="guideline").severity
    page = Page(to_html(make(ill=True, rule_base="guideline")))
    figures = [tag for tag in page.named("svg") if tag["class"] == "membership"]
    assert len(figures) == len(severity.inputs)
    for figure, graded in zip(figures, severity.inputs, strict=True):
        assert graded.name.replace("_", " ") in figure["aria-label"]
    plain = Page(to_html(make(ill=True))).named("svg")
    assert not [tag for tag in plain if tag["class"] == "membership"]


def test_without_symptoms_there_is_no_severity(make):
    text = Page(to_html(make())).text
    assert "Severity" not in text
    assert "Symptoms" not in text


CAVEAT = Message("rule_base_as_published", About.SEVERITY, {"rule_base": "baral2025"})
RAW = Message("for_processing", About.IMAGE)


def test_what_limits_the_answer_stands_beside_it(make):
    text = Page(to_html(make(ill=True, warnings=(RAW, CAVEAT)))).text
    caveat, raw = to_sentences([CAVEAT, RAW])
    places = [
        text.index(line) for line in ("by the symptoms", caveat, raw, "Calibrated probabilities")
    ]
    assert places == sorted(places)
    assert text.count(caveat) == 1


def test_the_legend_explains_only_the_classes_that_it_knows(make):
    assert "finding that the network was taught" in Page(to_html(make())).text
    diagnosis = make()
    sure, anyone = diagnosis.decision.confidence, AgeGroupChoice("everyone", "only")
    renamed = Decision({"COVID": 1.0}, "COVID", sure, anyone)
    assert "Meaning" not in Page(to_html(replace(diagnosis, decision=renamed))).text
    mixed = Decision({"COVID": 0.9, "NORMAL": 0.1}, "COVID", sure, anyone)
    text = Page(to_html(replace(diagnosis, decision=mixed))).text
    assert "NORMAL no finding that the network was taught 0.100" in text
    assert "COVID 0.900" in text


def test_the_training_sets_are_shown_whole(make):
    sets = ("guangzhou: children of 1 to 5 years", "rsna: adults, children")
    text = Page(to_html(make(bundle=BundleIdentity("a", "1", "0" * 64, sets)))).text
    assert "Trained on guangzhou: children of 1 to 5 years; rsna: adults, children" in text


def test_a_symptom_that_is_not_known_is_shown_without_unit(make):
    text = Page(to_html(make(symptoms={"heart_rate": 120.0, "fever_value": 39.0}))).text
    assert "heart rate 120" in text
    assert "fever value 39 °C" in text


def test_the_page_needs_nothing_from_outside(diagnosis):
    html = to_html(diagnosis)
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"}
    assert not re.search(r"https?:|url\(|@import", html)
    assert all(a["href"].startswith("#") for a in page.named("a"))
    images = page.named("img")
    assert len(images) == (1 if diagnosis.grad_cam is None else 2)
    for image in images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/jpeg;base64"
        assert Image.open(BytesIO(base64.b64decode(data, validate=True))).width >= 512


def test_the_page_can_be_read_by_a_screen_reader(diagnosis):
    page = Page(to_html(diagnosis))
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert len(page.named("caption")) == len(page.named("table"))
    assert diagnosis.radiograph.name in page.named("img")[0]["alt"]
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in page.tags:
        assert attributes.get("aria-labelledby", identifiers[0]) in identifiers
        assert (attributes.get("href") or f"#{identifiers[0]}")[1:] in identifiers


ATTACK = '"><script>alert(1)</script>{{ 7 * 7 }}\x1b[31m\u202e'


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ATTACK},
        {"bundle": BundleIdentity(ATTACK, ATTACK, "0" * 64, (ATTACK,))},
        {"group": AgeGroupChoice(ATTACK, "image", 0.9)},
        {"abstained": True, "body_part": ATTACK},
        {
            "warnings": (
                Message("must_not_be_used", About.MODEL, {"bundle": "b", "uses": (ATTACK,)}),
            )
        },
        {"identity": PatientIdentity(ATTACK, ATTACK, ATTACK)},
    ],
    ids=["name", "bundle", "age-group", "abstention", "warnings", "identity"],
)
def test_foreign_text_is_only_text(make, changes):
    html = to_html(make(**changes))
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert r"<script>alert(1)</script>{{ 7 * 7 }}\x1b[31m\u202e" in Page(html).text


def test_the_page_says_how_the_result_was_made(make):
    made = Provenance(
        "9.9.9",
        datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        EngineInfo("runtime", "1.2", "fp32", 2),
        "guideline@abc",
        "f" * 64,
    )
    text = Page(to_html(make(provenance=made))).text
    for told in ("Pneumoscope 9.9.9, runtime (fp32)", "guideline@abc", "f" * 64):
        assert told in text
    assert "2026-03-01 09:30:00+00:00" in text
    assert "None" not in Page(to_html(make(provenance=Provenance("9.9.9")))).text


def test_identity_is_shown_only_when_asked_for(make):
    assert "MRN-1" in to_html(make(dicom=True, identity=IDENTITY))
    assert "MRN-1" not in to_html(make(dicom=True))
