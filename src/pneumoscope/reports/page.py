"""A diagnosis as one self-contained HTML page, for the screen and for paper."""

from __future__ import annotations

import base64
from io import BytesIO

from pneumoscope import __version__
from pneumoscope.findings import Assessment, Diagnosis, SeverityLevel
from pneumoscope.reports.memberships import membership_figures
from pneumoscope.reports.overlay import draw_overlay
from pneumoscope.reports.templating import environment
from pneumoscope.reports.wording import (
    CALIBRATED,
    CLASS_MEANINGS,
    RATES_IN_CARD,
    answer,
    confidence_words,
    has_share,
    heatmap_words,
    level_meaning,
    operating_call,
    operating_words,
    picture_words,
    possible_levels,
    reasoning,
    rule_points,
    severity_columns,
    severity_words,
    split_warnings,
)
from pneumoscope.severity import INPUTS

_JPEG_QUALITY = 90
_RATES_BELOW = "below, as the model card states them"


def to_html(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as one HTML file without scripts or outside resources.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result. Text from files is escaped, its control characters made visible.

    Returns
    -------
    str
        To be saved as UTF-8. The overlay is inside, as a JPEG.
    """
    decision, heatmap = diagnosis.decision, diagnosis.heatmap
    caveats, warnings = split_warnings(diagnosis)
    rates: tuple[tuple[str, ...], ...] = ()
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            diagnosis=diagnosis,
            answer=answer(diagnosis),
            picture=picture_words(diagnosis),
            operating_call=None if decision is None else operating_call(decision),
            operating_words=()
            if decision is None
            else operating_words(decision, _RATES_BELOW if rates else RATES_IN_CARD),
            rates=rates,
            confidence_words=()
            if decision is None
            else confidence_words(decision.confidence, with_severity=has_share(diagnosis)),
            calibrated=CALIBRATED,
            meanings=CLASS_MEANINGS,
            caveats=caveats,
            warnings=warnings,
            heatmap_words=None if heatmap is None else heatmap_words(heatmap),
            overlay=_data_uri(diagnosis),
            **_severity(diagnosis.severity),
            levels=tuple(reversed(SeverityLevel)),
            known_symptoms=INPUTS,
            version=__version__,
        )
    )


def _severity(severity: Assessment | None) -> dict[str, object]:
    """Give what the template needs of a severity; nothing of it is read without one."""
    if severity is None:
        return {}
    caption, column = severity_columns(severity)
    return {
        "severity_words": severity_words(severity),
        "level_meaning": level_meaning(severity),
        "possible_levels": possible_levels(severity),
        "severity_caption": caption,
        "rule_column": column,
        "rule_points": {rule.rule: rule_points(severity, rule) for rule in severity.fired},
        "memberships": membership_figures(severity.inputs),
        "reasoning": reasoning(severity),
    }


def _data_uri(diagnosis: Diagnosis) -> str:
    buffer = BytesIO()
    # Full colour resolution: the thin outline and the caption blur without it.
    draw_overlay(diagnosis).save(buffer, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
