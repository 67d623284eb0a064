"""The facts of a DICOM header that travel with the image; every value is untrusted text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.findings import DicomSource, PatientContext, PatientIdentity
from pneumoscope.imaging.formats import clean_text

# PS3.16 CID 4010 "DX View", as SNOMED CT and the older SNOMED RT codes.
_VIEW_CODES = {
    "399348003": "AP",
    "R-10206": "AP",
    "399033003": "PA",
    "R-10214": "PA",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
}
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_PERSON_NAME_LENGTH = 194  # PS3.5 6.2, PN: three component groups of 64 and their delimiters


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value, or None where it is absent or cannot be parsed."""
    try:
        return dataset.get(keyword)
    except Exception:  # pydicom converts a value on first access and raises whatever that raises
        return None


def text_of(dataset: Dataset, keyword: str, limit: int = 64) -> str:
    """Return an element's first value as clean text of at most `limit` characters, or ""."""
    value = value_of(dataset, keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return "" if value is None else clean_text(str(value), limit)


def numbers_of(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return an element's values as finite numbers; empty where any of them is not one."""
    value = value_of(dataset, keyword)
    values = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    try:
        numbers = tuple(float(item) for item in values)
    except (TypeError, ValueError, OverflowError):
        return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def integer_of(dataset: Dataset, keyword: str) -> int | None:
    """Return an element's only value as a whole number; None where it is not one."""
    numbers = numbers_of(dataset, keyword)
    if len(numbers) != 1 or not numbers[0].is_integer():
        return None
    return int(numbers[0])


def items_of(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; empty where it is absent or damaged."""
    try:
        return tuple(item for item in dataset.get(keyword) or () if isinstance(item, Dataset))
    except Exception:  # a damaged sequence is parsed on access
        return ()


def source_of(dataset: Dataset, transfer_syntax: str) -> DicomSource:
    """Collect the header fields that a result may name."""
    return DicomSource(
        sop_instance_uid=_uid(dataset, "SOPInstanceUID"),
        series_instance_uid=_uid(dataset, "SeriesInstanceUID"),
        study_instance_uid=_uid(dataset, "StudyInstanceUID"),
        sop_class_uid=_uid(dataset, "SOPClassUID"),
        transfer_syntax_uid=_checked_uid(transfer_syntax),
        modality=text_of(dataset, "Modality").upper(),
        body_part=_body_part(dataset),
        view_position=_view(dataset),
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
    )


def unchecked(source: DicomSource) -> tuple[str, ...]:
    """Say what the header leaves out, so that it could not be checked."""
    notes = []
    if not source.modality:
        notes.append("The header names no modality: whether this is a radiograph is unchecked.")
    if not source.body_part:
        notes.append("The header names no body part: whether this is a chest is unchecked.")
    if not source.view_position:
        notes.append("The header names no view: whether this is a frontal view is unchecked.")
    return tuple(notes)


def identity_of(dataset: Dataset) -> PatientIdentity:
    """Read who the patient is, as the header says."""
    return PatientIdentity(
        name=text_of(dataset, "PatientName", _PERSON_NAME_LENGTH),
        patient_id=text_of(dataset, "PatientID"),
        birth_date=text_of(dataset, "PatientBirthDate"),
    )


def patient_of(dataset: Dataset) -> tuple[PatientContext, tuple[str, ...]]:
    """Read age and sex, with a note for each that is given but not understood.

    PatientAge is three digits and D, W, M or Y (PS3.5 6.2, AS). PatientSex is M, F, or O, which
    is the same as not known here.
    """
    notes = []
    age_text = text_of(dataset, "PatientAge").upper()
    age = _age(age_text)
    if age_text and age is None:
        notes.append("The patient's age in the header is not valid and was ignored.")
    sex = text_of(dataset, "PatientSex").upper()
    if sex not in ("", "M", "F", "O"):
        notes.append("The patient's sex in the header is not valid and was ignored.")
    context = PatientContext(age=age, sex=sex if sex in ("M", "F") else None)
    return context, tuple(notes)


def _age(text: str) -> float | None:
    match = re.fullmatch(r"([0-9]{3})([DWMY])", text)
    if match is None:
        return None
    years = int(match[1]) * _YEARS_PER_UNIT[match[2]]
    return years if years <= 130 else None


def _uid(dataset: Dataset, keyword: str) -> str:
    return _checked_uid(text_of(dataset, keyword))


def _checked_uid(text: str) -> str:
    return text if re.fullmatch(r"[0-9.]{1,64}", text) else ""


def _body_part(dataset: Dataset) -> str:
    stated = text_of(dataset, "BodyPartExamined").upper()
    if stated:
        return stated
    regions = items_of(dataset, "AnatomicRegionSequence")
    return text_of(regions[0], "CodeMeaning").upper() if regions else ""


def _view(dataset: Dataset) -> str:
    stated = text_of(dataset, "ViewPosition").upper()
    views = items_of(dataset, "ViewCodeSequence")
    if stated or not views:
        return stated
    code = text_of(views[0], "CodeValue").upper()
    return _VIEW_CODES.get(code) or text_of(views[0], "CodeMeaning").upper()
