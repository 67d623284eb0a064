"""The words and numbers that every form of a report shares, so that they never disagree."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pneumoscope.catalogue import to_sentences, word
from pneumoscope.documents import DiagnosisDocument
from pneumoscope.findings import (
    About,
    Assessment,
    Confidence,
    FiredRule,
    ImageKind,
    Message,
    SeverityLevel,
)
from pneumoscope.severity import GUIDELINE, format_score

CALIBRATED = "Calibrated probabilities (how well: pneumoscope bundle info)"
LEVEL_MEANINGS: Mapping[SeverityLevel, str] = MappingProxyType(
    {
        SeverityLevel.NEGLIGIBLE: "no rule speaks for more with what was given; it does not say "
        "that the patient is well",
        SeverityLevel.MILD: "an illness that the guidelines treat at home and follow up",
        SeverityLevel.MODERATE: "a clinician must assess, in an adult whether for hospital",
        SeverityLevel.SEVERE: "urgent, to be seen at once",
    }
)
"""What the levels of `guideline` mean."""
_FEW = 5  # missing values that a headline can name
_RULE_STEPS = frozenset(
    {"rule_speaks", "default_rule_speaks", "rule_adds_points", "rule_speaks_with_points"}
)

# Characters that turn the writing direction: a name could otherwise be shown as another.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp"})


def format_probability(value: float) -> str:
    """Write a probability as every report shows it: with three decimals.

    Parameters
    ----------
    value : float
        0..1.

    Returns
    -------
    str
        Such as "0.873". What would round to certainty is ">0.999" or "<0.001"; only exactly 1 and
        0 are "1.000" and "0.000".
    """
    if 0 < value < 0.0005:
        return "<0.001"
    if 0.9995 <= value < 1:
        return ">0.999"
    return f"{value:.3f}"


def format_threshold(value: float) -> str:
    """Write a threshold with four digits, so that rates counted with it hardly differ.

    Parameters
    ----------
    value : float
        0..1.

    Returns
    -------
    str
        Four digits from the first that is no 0, such as "0.1805" or "0.01407"; near 1 from the
        first that is no 9, such as "0.998123". Below 0.0001 as "1.235e-05". Only exactly 1 and 0
        are "1.0000" and "0.0000".
    """
    if 0 < value < 0.0001:
        return f"{value:.3e}"
    nearest = min(value, 1 - value)
    decimals = 3 - math.floor(math.log10(nearest)) if nearest else 4
    return f"{value:.{decimals}f}"


def format_share(value: float) -> str:
    """Write a share of 0..1 in percent with one decimal; only exactly 1 and 0 look complete."""
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{100 * value:.1f}%"


def plain(text: str) -> str:
    r"""Make foreign text harmless to look at.

    Parameters
    ----------
    text : str
        From a file name, a DICOM header or a bundle.

    Returns
    -------
    str
        With control characters, line breaks, changes of writing direction and lone surrogates as
        escapes such as ``\x1b``; everything else as it was.
    """
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if char in _DIRECTIONS or unicodedata.category(char) in _HARMFUL
        else char
        for char in text
    )


def picture_words(diagnosis: DiagnosisDocument) -> str:
    """Name the picture: what the bundle reads, or just an image where it was not read."""
    if diagnosis.abstained is not None:
        return "Image"
    return "CT slice" if diagnosis.bundle.reads is ImageKind.CHEST_CT else "Radiograph"


def confidence_words(confidence: Confidence, *, with_severity: bool) -> tuple[str, ...]:
    """Tell how sure the network is, in sentences (Baral 2025, 3.3.5).

    Parameters
    ----------
    confidence : Confidence
        How sure.
    with_severity : bool
        Whether there is a severity; only then the image has a share in one.

    Returns
    -------
    tuple of str
        One sentence or two for each number.
    """
    sentences = (
        word("top_probability", probability=format_probability(confidence.top1)),
        word("lead_over_next", lead=confidence.margin),
        word("entropy", entropy=confidence.entropy),
        word("certainty_index", index=confidence.certainty_index),
    )
    share = word("share_in_severity", share=confidence.contribution)
    return (*sentences, share) if with_severity else sentences


def split_warnings(diagnosis: DiagnosisDocument) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the warnings into words, apart, so that the severity's can stand beside the severity.

    Parameters
    ----------
    diagnosis : DiagnosisDocument
        The whole result.

    Returns
    -------
    tuple of tuple of str
        Those about the severity, and all others; the order is kept. Without a severity all are
        among the others.
    """
    ours: list[Message] = []
    others: list[Message] = []
    for warning in diagnosis.warnings:
        beside = diagnosis.severity is not None and warning.about is About.SEVERITY
        (ours if beside else others).append(warning)
    return to_sentences(ours), to_sentences(others)


def has_share(diagnosis: DiagnosisDocument) -> bool:
    """Whether the image enters the severity by its published share (Baral 2025, 3.3.5)."""
    severity = diagnosis.severity
    is_radiograph = diagnosis.bundle.reads is ImageKind.CHEST_RADIOGRAPH
    return is_radiograph and severity is not None and severity.rule_base != GUIDELINE


def severity_words(severity: Assessment, *, loud: bool = False) -> str:
    """Say the level in a few words, such as "moderate, borderline"; with `loud` in capitals.

    Where something missing leaves it open, both ends are named, as the lower one alone would
    mislead, with what to measure or ask.
    """
    interval = severity.interval
    if interval is not None and interval.is_open:
        ends = [level.upper() if loud else level for level in (interval.least, interval.most)]
        return f"{ends[0]} to {ends[1]}, until known: {_missing_names(interval.missing)}"
    level = severity.level.upper() if loud else severity.level.value
    return f"{level}{', borderline' if severity.borderline else ''}"


def _missing_names(missing: Sequence[str]) -> str:
    if len(missing) > _FEW:
        return f"{len(missing)} values that were not given"
    return ", ".join(name.replace("_", " ") for name in missing)


def possible_levels(severity: Assessment) -> tuple[SeverityLevel, ...]:
    """Give the levels that the answer names: one, or all that something missing leaves open."""
    levels = tuple(SeverityLevel)
    interval = severity.interval
    if interval is None:
        return (severity.level,)
    return levels[levels.index(interval.least) : levels.index(interval.most) + 1]


def level_meaning(severity: Assessment) -> str:
    """Say in one line what the level means, of an open one both ends; nothing of a published base.

    The publication gives its levels no meaning.
    """
    if severity.rule_base != GUIDELINE:
        return ""
    levels = possible_levels(severity)
    ends = dict.fromkeys((levels[0], levels[-1]))
    told = (word("level_means", level=each.value, meaning=LEVEL_MEANINGS[each]) for each in ends)
    return " ".join(told)


def severity_columns(severity: Assessment) -> tuple[str, str]:
    """Name the figures per level, and those per rule."""
    if severity.rule_base == GUIDELINE:
        return 'How true "at least this level" is (0 to 1)', "Strength"
    return "Points per level", "Points"


def rule_points(severity: Assessment, rule: FiredRule) -> str:
    """Write what a rule adds, as `severity_columns` names it."""
    if severity.rule_base == GUIDELINE:
        return format_score(rule.strength)
    return f"{rule.weight * rule.strength:.3g}"


def reasoning(severity: Assessment) -> tuple[str, ...]:
    """Give the trace without the sentences that only repeat the table of fired rules."""
    return to_sentences(step for step in severity.trace if step.code not in _RULE_STEPS)
