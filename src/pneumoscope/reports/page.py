"""A diagnosis as one self-contained HTML page, for the screen and for paper."""

from __future__ import annotations

import base64
from io import BytesIO

from pneumoscope import __version__
from pneumoscope.findings import Assessment, Diagnosis, SeverityLevel
from pneumoscope.reports.overlay import draw_overlay
from pneumoscope.reports.templating import environment
from pneumoscope.reports.wording import (
    CALIBRATED,
    CLASS_MEANINGS,
    NOT_A_LESION,
    answer,
    confidence_words,
    heatmap_words,
    operating_call,
    operating_words,
    split_warnings,
)
from pneumoscope.severity import SYMPTOMS

_JPEG_QUALITY = 90


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
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            diagnosis=diagnosis,
            answer=answer(diagnosis),
            operating_call=None if decision is None else operating_call(decision),
            operating_words=() if decision is None else operating_words(decision),
            confidence_words=()
            if decision is None
            else confidence_words(
                decision.confidence, with_severity=diagnosis.severity is not None
            ),
            calibrated=CALIBRATED,
            meanings=CLASS_MEANINGS,
            caveats=caveats,
            warnings=warnings,
            heatmap_words=None if heatmap is None else heatmap_words(heatmap),
            not_a_lesion=NOT_A_LESION,
            overlay=_data_uri(diagnosis),
            reasoning=() if diagnosis.severity is None else _reasoning(diagnosis.severity),
            levels=tuple(reversed(SeverityLevel)),
            known_symptoms=SYMPTOMS,
            version=__version__,
        )
    )


def _reasoning(severity: Assessment) -> list[str]:
    """Give the trace without the sentences that only repeat the table of fired rules."""
    told = [rule.explanation for rule in severity.fired]
    return [line for line in severity.trace if not any(reason in line for reason in told)]


def _data_uri(diagnosis: Diagnosis) -> str:
    buffer = BytesIO()
    # Full colour resolution: the thin outline and the caption blur without it.
    draw_overlay(diagnosis).save(buffer, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
