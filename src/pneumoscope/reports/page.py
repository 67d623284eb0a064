"""A diagnosis as one self-contained HTML page, for the screen and for paper."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from pneumoscope.catalogue import to_sentence, word
from pneumoscope.documents import DiagnosisDocument
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
from pneumoscope.reports.templating import template_environment
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


def to_html(document: DiagnosisDocument, pictured: Diagnosis | None = None) -> str:
    """Write a diagnosis as one HTML file without scripts or outside resources.

    Parameters
    ----------
    document : DiagnosisDocument
        The whole result. Text from files is escaped, its control characters made visible.
    pictured : Diagnosis, optional
        The same with its pixels. Without it the page has no pictures, and says so.

    Returns
    -------
    str
        To be saved as UTF-8. The pictures are inside, as JPEG.
    """
    caveats, warnings = split_warnings(document)
    return (
        template_environment()
        .get_template("report.html.j2")
        .render(
            diagnosis=document,
            headline=headline(document),
            result_words=result_words(document),
            picture=picture_words(document),
            **_answer(document),
            **_pictures(pictured),
            calibrated=CALIBRATED,
            meanings=CLASS_MEANINGS,
            caveats=caveats,
            warnings=warnings,
            no_pictures=word("no_pictures"),
            symptoms_as_entered=word("symptoms_as_entered"),
            map_words=" ".join(map_words(document)),
            **_severity(document.severity),
            levels=tuple(reversed(SeverityLevel)),
            known_symptoms=INPUTS,
        )
    )


def _pictures(pictured: Diagnosis | None) -> dict[str, object]:
    """Give the pictures; none without the pixels."""
    if pictured is None:
        return {"overlay": None, "grad_cam": None}
    beside = draw_grad_cam(pictured)
    return {
        "overlay": _data_uri(draw_overlay(pictured, alone=False)),
        "grad_cam": None if beside is None else _data_uri(beside),
    }


def _answer(document: DiagnosisDocument) -> dict[str, object]:
    """Give what the template needs of an answer; nothing of it is read without one."""
    decision = document.decision
    if decision is None:
        return {}
    beside = document.grad_cam
    return {
        "scale": zone_scale(decision),
        "point_words": point_words(decision),
        "not_taught": not_taught(decision),
        "confidence_words": confidence_words(
            decision.confidence, with_severity=has_share(document)
        ),
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
        "no_rule_fired": word("no_rule_fired"),
        "how_terms_are_drawn": word("how_terms_are_drawn"),
        "explanations": {rule.rule: to_sentence(rule.explanation) for rule in severity.fired},
        "rule_points": {rule.rule: rule_points(severity, rule) for rule in severity.fired},
        "memberships": membership_figures(severity.inputs),
        "reasoning": reasoning(severity),
    }


def _data_uri(picture: Image.Image) -> str:
    buffer = BytesIO()
    # Full colour resolution: the thin outline and the caption blur without it.
    picture.save(buffer, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
