"""What the image says, in words: terminal, page and picture take them from here alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pneumoscope.catalogue import to_sentence
from pneumoscope.documents import DiagnosisDocument, MapFacts
from pneumoscope.findings import (
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
_ZONE_MEANINGS: Mapping[Zone, str] = {
    Zone.NEGATIVE: "The image speaks against {}.",
    Zone.INDETERMINATE: "The image alone rules {} neither in nor out.",
    Zone.POSITIVE: "The image speaks for {}.",
}
NOT_THE_PLACE = "do not take it for the place of a finding"

EVERYONE = "everyone"  # the one age group of a bundle that has none
_ONE_OF: Mapping[str, str] = {"children": "child", "adults": "adult"}
_READ_BY_A_RADIOLOGIST = "Check that it is the right file, and have a radiologist read the image"
_NOTHING_SAID = "No class and no probability: this speaks neither for nor against any disease."
_RIGHT_AS_IT_IS = "If the picture is right as it is, have a radiologist read it"
# Every other code has the general one.
_WAYS_OUT: Mapping[str, str] = {
    "lateral_orientation": "Give the frontal view of the same study",
    "lateral_view": "Give the frontal view of the same study",
    "localizer": "Give an axial slice of the same series",
    "body_part": "Give the image of the chest, or have a wrong header mended",
    "unlike_training_of_group": "Have a radiologist read the image; this model does not fit it",
    "unlike_training": "Have a radiologist read the image; this model does not fit it",
    # Their reasons name the first way out.
    "not_frontal_chest": _RIGHT_AS_IT_IS,
    "upside_down": _RIGHT_AS_IT_IS,
    "rotated": _RIGHT_AS_IT_IS,
    "inverted": _RIGHT_AS_IT_IS,
    "screen_photograph": _RIGHT_AS_IT_IS,
    "cropped": _RIGHT_AS_IT_IS,
    "exposure": _RIGHT_AS_IT_IS,
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
        return Headline("No result from the image")
    label, zone = decision.positive_label, decision.zone
    if label is None or zone is None:
        probability = format_probability(decision.probabilities[decision.predicted])
        return Headline(decision.predicted, f"most probable class, probability {probability}")
    return Headline(f"{label}: {ZONE_NAMES[zone]}", _detail(decision, label, zone))


def _detail(decision: Decision, label: str, zone: Zone) -> str:
    value = decision.probabilities[label]
    points = {point.purpose: point for point in decision.operating_points}
    named = {
        purpose: f"the {POINT_NAMES[purpose]} {_point_beside(point.threshold, value)}"
        for purpose, point in points.items()
    }
    shown = probability_beside(value, [point.threshold for point in points.values()])
    if zone is Zone.POSITIVE:
        return f"probability {shown}, at or above {named[Purpose.RULE_IN]}"
    if zone is Zone.NEGATIVE:
        words = f"probability {shown}, below {named[Purpose.RULE_OUT]}"
        other = decision.predicted
        return words if other == label else f"{words}; most probable: {other}"
    if len(named) == len(Purpose):
        return (
            f"probability {shown}, between {named[Purpose.RULE_OUT]} and {named[Purpose.RULE_IN]}"
        )
    if Purpose.RULE_OUT in named:
        return (
            f"probability {shown}, at or above {named[Purpose.RULE_OUT]}; "
            "this model has no rule-in point"
        )
    return f"probability {shown}, below {named[Purpose.RULE_IN]}; this model has no rule-out point"


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
        ("What it means", _NOTHING_SAID),
        ("What to do", f"{_WAYS_OUT.get(abstained.code, _READ_BY_A_RADIOLOGIST)}."),
    )


def _meaning(decision: Decision) -> str:
    """Say what the headline means in short sentences; empty of a class without a legend."""
    label = decision.positive_label or decision.predicted
    told = [f"{label} means {CLASS_MEANINGS[label]}."] if label in CLASS_MEANINGS else []
    if decision.zone is not None:
        told.append(_ZONE_MEANINGS[decision.zone].format(label))
    return " ".join(told)


def _read_as(decision: Decision, age: float | None) -> str:
    choice = decision.age_group
    if choice.chosen_by == "only" and choice.name == EVERYONE:
        who = "any age (this model makes no difference by age)"
    elif choice.chosen_by == "only":
        who = f"{_one_of(choice.name)} (this model reads no other age group)"
    elif choice.probability is not None:
        sure = format_probability(choice.probability)
        who = f"{_one_of(choice.name)} (by the picture, probability {sure}; the age was not given)"
    else:
        who = f"{_one_of(choice.name)} ({_age_words(age)})"
    return f"{who}, {decision.view} view" if decision.view else who


def _one_of(group: str) -> str:
    return _ONE_OF.get(group, group)


def _age_words(age: float | None) -> str:
    if age is None:
        return "by the age"
    return f"age {age:.3g}" if age >= 2 else f"age {int(12 * age)} months"


def not_taught(decision: Decision) -> tuple[str, ...]:
    """Name the classes that were not taught for the age group: exactly those at 0."""
    return tuple(name for name, value in decision.probabilities.items() if value == 0)


def _not_taught(decision: Decision) -> str:
    missing = not_taught(decision)
    if not missing:
        return ""
    return (
        f"No image labelled {_either(missing)}{_of_group(decision)} taught the model, so such a "
        "disease comes out as another class."
    )


def _of_group(decision: Decision) -> str:
    group = decision.age_group.name
    return "" if group == EVERYONE else f" of {group}"


def _either(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _prediction_set(decision: Decision) -> str:
    if decision.coverage is None:
        return ""
    coverage = f"{100 * decision.coverage:g}%"
    fits = _either(decision.prediction_set)
    told = (
        f"{fits} only." if len(decision.prediction_set) == 1 else f"{fits}: a reader must decide."
    )
    return (
        f"At {coverage} coverage the image fits {told} Of images like those the model was "
        f"calibrated on, {coverage} have their true class in such a set."
    )


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
        sentences.append(
            f"Between them the answer is indeterminate: it settles nothing on {label}."
        )
    if any(point.sensitivity or point.specificity for point in points):
        view = f" in {decision.view} view" if decision.view else ""
        sentences.append(
            f"The rates were measured on images{_of_group(decision)}{view} that neither taught nor "
            "calibrated the model, with 95% intervals. They hold for such images, not for this "
            "patient."
        )
    if note := _disagreement(decision, label):
        sentences.append(note)
    return tuple(sentences)


def _point(point: OperatingPoint) -> str:
    found = ("finds", point.sensitivity, "with", "sensitivity")
    cleared = ("clears", point.specificity, "without", "specificity")
    if point.purpose is Purpose.RULE_OUT:
        meaning, measured = "below it the image speaks against", (found, cleared)
    else:
        meaning, measured = "at or above it the image speaks for", (cleared, found)
    rates = " and ".join(
        f"{verb} {_rate_words(rate)} of the images {which} {point.label} ({name})"
        for verb, rate, which, name in measured
        if rate is not None
    )
    told = f"It {rates}." if rates else "Its rates are in the model card (pneumoscope bundle info)."
    return (
        f"{POINT_NAMES[point.purpose].capitalize()} {format_threshold(point.threshold)}: "
        f"{meaning} {point.label}. {told} How it was chosen: {point.rule}."
    )


def _rate_words(rate: Rate) -> str:
    value, low, high = map(format_share, rate)
    return f"{value} ({low} to {high})"


def _disagreement(decision: Decision, label: str) -> str:
    """Say where the zone and the most probable class point apart."""
    zone, likeliest = decision.zone, decision.predicted == label
    if (zone is Zone.POSITIVE and not likeliest) or (zone is Zone.NEGATIVE and likeliest):
        return (
            f"The most probable class is {decision.predicted}: the points are set on the "
            f"probability of {label} alone, not by comparing the classes."
        )
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
    return (*told, f"{format_share(heatmap.lung_share)} of the map lies inside the lung fields.")


def _evidence(heatmap: MapFacts, decision: Decision) -> tuple[str, ...]:
    peak = format_probability(heatmap.highest)
    what = (
        f"Evidence map of {heatmap.label}: for each place the probability, 0 to 1, that "
        f"radiologists would mark it there. The highest is {peak}."
    )
    if not heatmap.outlined:
        why = heatmap.why_not_outlined
        return (what, f"Nothing is outlined: {why}. Where it is bright, {NOT_THE_PLACE}.")
    group = decision.age_group.name
    whom = "This map" if group == EVERYONE else f"For {group} this map"
    return (
        what,
        f"Outlined: {format_share(heatmap.mask_fraction)} of the image.",
        f"{whom} was checked against radiologists' boxes and found them better than a fixed map of "
        "where opacities usually lie. A finding may still lie elsewhere.",
    )


def grad_cam_words(heatmap: MapFacts, *, outlined: bool = True) -> tuple[str, ...]:
    """Say what a Grad-CAM shows, and that its place was not checked (Baral 2025, 4.5).

    Parameters
    ----------
    heatmap : MapFacts
        Of the method "grad_cam".
    outlined : bool
        Whether its contours are drawn where it stands.
    """
    what = f"Grad-CAM of {heatmap.label} (Baral 2025): where the network looked."
    if not heatmap.highest:
        return (what, "It is empty: no region spoke for this class.")
    if not (outlined and heatmap.contours):
        return (what, f"Not checked for place: {NOT_THE_PLACE}.")
    return (
        what,
        f"Outlined: {format_share(heatmap.mask_fraction)} of the image. Do not take the outlined "
        "region for the place of a finding.",
    )
