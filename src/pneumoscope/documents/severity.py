"""The document of a severity from the symptoms alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from pneumoscope.documents.document import Document
from pneumoscope.findings import NOTICE, Assessment, Message, PatientContext, Provenance


class SeverityDocument(Document):
    """How ill the patient is by the symptoms alone.

    Attributes
    ----------
    document : str
        Which document this is: "severity".
    schema_version : int
        3. It grows when a reader of the old form would misread the new.
    patient : PatientContext
        Age and sex.
    symptoms : mapping of str to float
        As given, in the inputs' units.
    severity : Assessment
        Level, reasons and bedside scores.
    warnings : tuple of Message
        What the reader must know before believing the level.
    provenance : Provenance
        How the result was made.
    notice : str
        To be shown wherever the result is shown.
    """

    document: Literal["severity"] = "severity"
    schema_version: Literal[3] = 3
    patient: PatientContext
    symptoms: Mapping[str, float]
    severity: Assessment
    warnings: tuple[Message, ...]
    provenance: Provenance
    notice: Annotated[str, Field(min_length=1)]


def to_severity_document(
    severity: Assessment,
    *,
    symptoms: Mapping[str, float],
    patient: PatientContext,
    warnings: tuple[Message, ...] = (),
    provenance: Provenance,
) -> SeverityDocument:
    """Give a severity as its document.

    Parameters
    ----------
    severity : Assessment
        From the symptoms alone.
    symptoms : mapping of str to float
        What was given, in the inputs' units.
    patient : PatientContext
        Age and sex.
    warnings : tuple of Message
        What the reader must know before believing the level.
    provenance : Provenance
        How it was made.

    Returns
    -------
    SeverityDocument
    """
    return SeverityDocument.of(
        patient=patient,
        symptoms={name: float(value) for name, value in symptoms.items()},
        severity=severity,
        warnings=warnings,
        provenance=provenance,
        notice=NOTICE,
    )
