"""What the image says, in words: terminal, page and picture take them from here alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pneumoscope.catalogue import to_sentence, word
from pneumoscope.documents import DiagnosisDocument, MapFacts
from pneumoscope.findings import (
    AgeGroupChoice,
    Decision,
    Message,
    OperatingPoint,
    Purpose,
    Rate,
    Zone,
)
from pneumoscope.reports.wording import format_probability, format_share, format_threshold

CLASS_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "NORMAL": "no finding that the network was taught",
        "ABNORMAL": "something other than pneumonia",
        "PNEUMONIA": "opacity that suggests pneumonia",
    }
)
"""What the usual classes mean; a bundle's other classes have no legend."""
ZONE_NAMES: Mapping[Zone, str] = MappingProxyType(
    {Zone.NEGATIVE: "unlikely", Zone.INDETERMINATE: "indeterminate", Zone.POSITIVE: "positive"}
)
"""What a probability is called by its place among the operating points."""
POINT_NAMES: Mapping[Purpose, str] = MappingProxyType(
    {Purpose.RULE_OUT: "rule-out point", Purpose.RULE_IN: "rule-in point"}
)
# By their codes in the catalogue.
_ZONE_MEANINGS: Mapping[Zone, str] = {
    Zone.NEGATIVE: "image_against",
    Zone.INDETERMINATE: "image_settles_nothing",
    Zone.POSITIVE: "image_for",
}
_THE_POINT: Mapping[Purpose, str] = {
    Purpose.RULE_OUT: "the_rule_out_point",
    Purpose.RULE_IN: "the_rule_in_point",
}

EVERYONE = "everyone"  # the one age group of a bundle that has none
_ONE_OF: Mapping[str, str] = {"children": "child", "adults": "adult"}
# Every other code has the general one.
_WAYS_OUT: Mapping[str, str] = {
    "lateral_orientation": "give_frontal_view",
    "lateral_view": "give_frontal_view",
    "localizer": "give_axial_slice",
    "body_part": "give_chest",
    "unlike_training_of_group": "model_does_not_fit",
    "unlike_training": "model_does_not_fit",
    # Their reasons name the first way out.
    "not_frontal_chest": "right_as_it_is",
    "upside_down": "right_as_it_is",
    "rotated": "right_as_it_is",
    "inverted": "right_as_it_is",
    "screen_photograph": "right_as_it_is",
    "cropped": "right_as_it_is",
    "exposure": "right_as_it_is",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The one result of a report.

    Attributes
    ----------
    call : str
        Such as "PNEUMONIA: indeterminate".
    detail : str
        The probability and what it is compared with; empty where there is none.
    """

    call: str
    detail: str = ""

    @property
    def line(self) -> str:
        """Both in one line."""
        return f"{self.call} ({self.detail})" if self.detail else self.call


def headline(diagnosis: DiagnosisDocument) -> Headline:
    """Say the result: the zone of the positive class, or the most probable class without points.

    Parameters
    ----------
    diagnosis : DiagnosisDocument
        The whole result.

    Returns
    -------
    Headline
        Of an abstention without any probability.
    """
    decision = diagnosis.decision
    if decision is None:
        return Headline(word("no_result"))
    label, zone = decision.positive_label, decision.zone
    if label is None or zone is None:
        probability = format_probability(decision.probabilities[decision.predicted])
        detail = word("most_probable_class", probability=probability)
        return Headline(decision.predicted, detail)
    call = word("call", label=label, zone=ZONE_NAMES[zone])
    return Headline(call, _detail(decision, label, zone))


def _detail(decision: Decision, label: str, zone: Zone) -> str:
    value = decision.probabilities[label]
    points = {point.purpose: point for point in decision.operating_points}
    named = {
        purpose: word(_THE_POINT[purpose], threshold=_point_beside(point.threshold, value))
        for purpose, point in points.items()
    }
    shown = probability_beside(value, [point.threshold for point in points.values()])
    low, high = named.get(Purpose.RULE_OUT, ""), named.get(Purpose.RULE_IN, "")
    if zone is Zone.POSITIVE:
        return word("at_or_above", probability=shown, point=high)
    if zone is Zone.NEGATIVE:
        other = decision.predicted
        if other == label:
            return word("below", probability=shown, point=low)
        return word("below_with_other_class", probability=shown, point=low, other=other)
    if low and high:
        return word("between", probability=shown, low=low, high=high)
    if low:
        return word("at_or_above_only_point", probability=shown, point=low)
    return word("below_only_point", probability=shown, point=high)


def probability_beside(value: float, thresholds: Sequence[float]) -> str:
    """Write a probability so that it stands on its own side of the thresholds as they are written.

    Parameters
    ----------
    value : float
        0..1.
    thresholds : sequence of float
        0..1.

    Returns
    -------
    str
        With three decimals, or with as many more as that takes.
    """
    if any(_same_digits(value, threshold) for threshold in thresholds):
        return f"{format_probability(value)} ({value!r})"
    written = [float(format_threshold(threshold)) for threshold in thresholds]
    above = [value >= threshold for threshold in thresholds]
    if [round(value, 3) >= threshold for threshold in written] == above:
        return format_probability(value)
    return format_threshold(value)


def _point_beside(threshold: float, value: float) -> str:
    """Write a threshold so that it can be told from a probability."""
    text = format_threshold(threshold)
    return f"{text} ({threshold!r})" if _same_digits(value, threshold) else text


def _same_digits(value: float, threshold: float) -> bool:
    """Whether two different numbers would be written as the same threshold."""
    return value != threshold and format_threshold(value) == format_threshold(threshold)


def result_words(diagnosis: DiagnosisDocument) -> tuple[tuple[str, str], ...]:
    """Tell what stands beneath the headline in every form of report.

    Parameters
    ----------
    diagnosis : DiagnosisDocument
        The whole result.

    Returns
    -------
    tuple of (str, str)
        What is told, such as "Read as", and the words. Of an answer what it means, as which age
        group and view the image was read, what was not taught for it, and the prediction set; of
        an abstention why, what it means and what to do.
    """
    if diagnosis.abstained is not None:
        return _abstention(diagnosis.abstained)
    decision = diagnosis.decision
    if decision is None:
        return ()
    told = (
        ("What it means", _meaning(decision)),
        ("Read as", _read_as(decision, diagnosis.patient.age)),
        ("Not taught", _not_taught(decision)),
        ("Prediction set", _prediction_set(decision)),
    )
    return tuple((name, words) for name, words in told if words)


def _abstention(abstained: Message) -> tuple[tuple[str, str], ...]:
    return (
        ("Why", to_sentence(abstained)),
        ("What it means", word("nothing_said")),
        ("What to do", word(_WAYS_OUT.get(abstained.code, "check_file"))),
    )


def _meaning(decision: Decision) -> str:
    """Say what the headline means in short sentences; empty of a class without a legend."""
    label = decision.positive_label or decision.predicted
    told = []
    if label in CLASS_MEANINGS:
        told.append(word("class_means", label=label, meaning=CLASS_MEANINGS[label]))
    if decision.zone is not None:
        told.append(word(_ZONE_MEANINGS[decision.zone], label=label))
    return " ".join(told)


def _read_as(decision: Decision, age: float | None) -> str:
    who = _who(decision.age_group, age)
    return word("read_in_view", who=who, view=decision.view) if decision.view else who


def _who(choice: AgeGroupChoice, age: float | None) -> str:
    group = _ONE_OF.get(choice.name, choice.name)
    if choice.chosen_by == "only" and choice.name == EVERYONE:
        return word("any_age")
    if choice.chosen_by == "only":
        return word("only_age_group", group=group)
    if choice.probability is not None:
        sure = format_probability(choice.probability)
        return word("age_group_by_picture", group=group, probability=sure)
    if age is None:
        return word("age_group_by_age", group=group)
    if age >= 2:
        return word("age_group_by_years", group=group, age=age)
    return word("age_group_by_months", group=group, months=int(12 * age))


def not_taught(decision: Decision) -> tuple[str, ...]:
    """Name the classes that were not taught for the age group: exactly those at 0."""
    return tuple(name for name, value in decision.probabilities.items() if value == 0)


def _not_taught(decision: Decision) -> str:
    missing, group = not_taught(decision), decision.age_group.name
    if not missing:
        return ""
    if group == EVERYONE:
        return word("label_not_taught", labels=missing)
    return word("label_not_taught_in_group", labels=missing, group=group)


def _prediction_set(decision: Decision) -> str:
    if decision.coverage is None:
        return ""
    coverage, possible = f"{100 * decision.coverage:g}%", decision.prediction_set
    if len(possible) == 1:
        return word("one_class_fits", coverage=coverage, label=possible[0])
    return word("several_classes_fit", coverage=coverage, labels=possible)


def point_words(decision: Decision) -> tuple[str, ...]:
    """Explain the operating points with the rates measured at them; none without points.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    tuple of str
        A sentence or three per point, what lies between them, and whom the rates are of.
    """
    points = decision.operating_points
    if not points:
        return ()
    label = points[0].label
    sentences = [_point(point) for point in sorted(points, key=lambda point: point.threshold)]
    if len({point.threshold for point in points}) > 1:
        sentences.append(word("between_points", label=label))
    if any(point.sensitivity or point.specificity for point in points):
        sentences.append(_measured_on(decision))
    if note := _disagreement(decision, label):
        sentences.append(note)
    return tuple(sentences)


def _measured_on(decision: Decision) -> str:
    """Say of whom the rates are."""
    group, view = decision.age_group.name, decision.view
    if group == EVERYONE:
        return word("rates_measured_in_view", view=view) if view else word("rates_measured")
    if not view:
        return word("rates_measured_in_group", group=group)
    return word("rates_measured_in_group_and_view", group=group, view=view)


def _point(point: OperatingPoint) -> str:
    found, cleared = ("finds", point.sensitivity), ("clears", point.specificity)
    is_rule_out = point.purpose is Purpose.RULE_OUT
    rates = tuple(
        word(code, rate=_rate_words(rate), label=point.label)
        for code, rate in ((found, cleared) if is_rule_out else (cleared, found))
        if rate is not None
    )
    return word(
        "rule_out_point" if is_rule_out else "rule_in_point",
        threshold=format_threshold(point.threshold),
        label=point.label,
        rates=word("point_rates", rates=rates) if rates else word("point_rates_in_card"),
        rule=point.rule,
    )


def _rate_words(rate: Rate) -> str:
    value, low, high = map(format_share, rate)
    return f"{value} ({low} to {high})"


def _disagreement(decision: Decision, label: str) -> str:
    """Say where the zone and the most probable class point apart."""
    zone, likeliest = decision.zone, decision.predicted == label
    if (zone is Zone.POSITIVE and not likeliest) or (zone is Zone.NEGATIVE and likeliest):
        return word("points_and_class_disagree", predicted=decision.predicted, label=label)
    return ""


def map_title(heatmap: MapFacts) -> str:
    """Name a map, as the heading of its legend."""
    if heatmap.method == "evidence":
        return f"Probability that radiologists would mark {heatmap.label} there"
    return f"Where the network looked for {heatmap.label}"


def map_words(diagnosis: DiagnosisDocument) -> tuple[str, ...]:
    """Say what the map shows and what must not be read from it; none without a map.

    Parameters
    ----------
    diagnosis : DiagnosisDocument
        The whole result.

    Returns
    -------
    tuple of str
        Sentences. Only of a map that may be outlined for the age group they do not warn against
        taking it for the place of a finding.
    """
    heatmap, decision = diagnosis.heatmap, diagnosis.decision
    if heatmap is None or decision is None:
        return ()
    told = _evidence(heatmap, decision) if heatmap.method == "evidence" else grad_cam_words(heatmap)
    if heatmap.lung_share is None:
        return told
    return (*told, word("share_in_lungs", share=format_share(heatmap.lung_share)))


def _evidence(heatmap: MapFacts, decision: Decision) -> tuple[str, ...]:
    peak = format_probability(heatmap.highest)
    what = word("evidence_map", label=heatmap.label, peak=peak)
    if not heatmap.outlined:
        return (what, word("evidence_not_outlined", why=heatmap.why_not_outlined or ""))
    group = decision.age_group.name
    if group == EVERYONE:
        checked = word("evidence_checked")
    else:
        checked = word("evidence_checked_for_group", group=group)
    return (what, word("outlined", share=format_share(heatmap.mask_fraction)), checked)


def grad_cam_words(heatmap: MapFacts, *, outlined: bool = True) -> tuple[str, ...]:
    """Say what a Grad-CAM shows, and that its place was not checked (Baral 2025, 4.5).

    Parameters
    ----------
    heatmap : MapFacts
        Of the method "grad_cam".
    outlined : bool
        Whether its contours are drawn where it stands.
    """
    what = word("grad_cam", label=heatmap.label)
    if not heatmap.highest:
        return (what, word("grad_cam_empty"))
    if not (outlined and heatmap.contours):
        return (what, word("grad_cam_not_checked"))
    return (what, word("grad_cam_outlined", share=format_share(heatmap.mask_fraction)))
