"""A diagnosis as one self-contained HTML page, for the screen and for paper."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from pneumoscope.findings import Assessment, Diagnosis, SeverityLevel
from pneumoscope.reports.answer import (
    CLASS_MEANINGS,
    grad_cam_words,
    headline,
    map_words,
    not_taught,
    point_words,
    result_words,
)
from pneumoscope.reports.memberships import membership_figures
from pneumoscope.reports.overlay import draw_grad_cam, draw_overlay
from pneumoscope.reports.scale import zone_scale
from pneumoscope.reports.templating import environment
from pneumoscope.reports.wording import (
    CALIBRATED,
    confidence_words,
    has_share,
    level_meaning,
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


def to_html(diagnosis: Diagnosis) -> str:
    """Write a diagnosis as one HTML file without scripts or outside resources.

    Parameters
    ----------
    diagnosis : Diagnosis
        The whole result. Text from files is escaped, its control characters made visible.

    Returns
    -------
    str
        To be saved as UTF-8. The pictures are inside, as JPEG.
    """
    caveats, warnings = split_warnings(diagnosis)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            diagnosis=diagnosis,
            headline=headline(diagnosis),
            result_words=result_words(diagnosis),
            picture=picture_words(diagnosis),
            **_answer(diagnosis),
            calibrated=CALIBRATED,
            meanings=CLASS_MEANINGS,
            caveats=caveats,
            warnings=warnings,
            map_words=" ".join(map_words(diagnosis)),
            overlay=_data_uri(draw_overlay(diagnosis, alone=False)),
            **_severity(diagnosis.severity),
            levels=tuple(reversed(SeverityLevel)),
            known_symptoms=INPUTS,
        )
    )


def _answer(diagnosis: Diagnosis) -> dict[str, object]:
    """Give what the template needs of an answer; nothing of it is read without one."""
    decision = diagnosis.decision
    if decision is None:
        return {}
    beside, drawn = diagnosis.grad_cam, draw_grad_cam(diagnosis)
    return {
        "scale": zone_scale(decision),
        "point_words": point_words(decision),
        "not_taught": not_taught(decision),
        "confidence_words": confidence_words(
            decision.confidence, with_severity=has_share(diagnosis)
        ),
        "grad_cam": None if drawn is None else _data_uri(drawn),
        "grad_cam_words": ""
        if beside is None
        else " ".join(grad_cam_words(beside, outlined=False)),
    }


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


def _data_uri(picture: Image.Image) -> str:
    buffer = BytesIO()
    # Full colour resolution: the thin outline and the caption blur without it.
    picture.save(buffer, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
