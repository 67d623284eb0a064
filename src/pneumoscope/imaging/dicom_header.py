"""The facts of a DICOM header that travel with the image; every value is untrusted text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

from pneumoscope.findings import About, DicomSource, Message, PatientContext, PatientIdentity
from pneumoscope.imaging.formats import MAX_FILE_BYTES, clean_text

# PS3.16 CID 4010 "DX View" as far as frontal and lateral go, as SNOMED CT and the older SNOMED RT
# codes.
_VIEW_CODES = {
    "399033003": "FRONTAL",
    "R-10202": "FRONTAL",
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399067008": "LATERAL",
    "R-102CD": "LATERAL",
    "399173006": "LL",
    "260421001": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "260434008": "RL",
    "R-10232": "RL",
    "399260004": "MEDIO-LATERAL",
    "R-10224": "MEDIO-LATERAL",
    "399352003": "LATERO-MEDIAL",
    "R-10228": "LATERO-MEDIAL",
    "260427002": "LATERAL OBLIQUE",
    "R-40783": "LATERAL OBLIQUE",
    "30730003": "SAGITTAL",
    "G-A145": "SAGITTAL",
}
# PS3.16 CID 4009 and 4031, in the same two schemes.
_REGION_CODES = {
    "816094009": "CHEST",
    "51185008": "CHEST",
    "T-D3000": "CHEST",
    "39607008": "LUNG",
    "T-28000": "LUNG",
}
_NOT_STATED = ("UNKNOWN", "OTHER")
# Scanners and exports state how they stored the image: nothing about how it was taken.
NO_MODALITY = frozenset({"", "OT", "SC"})
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_PERSON_NAME_LENGTH = 194  # PS3.5 6.2, PN: three component groups of 64 and their delimiters
_MONTHS_WITHOUT_FRACTION = 24

MAX_VALUE_BYTES = 2**16
_TABLE_BYTES = 2 * 2**16  # 65,536 entries of 16 bits, the most that a LUT Descriptor can state
_BYTES, _SEQUENCES = (None, "OB", "OW", "UN"), (None, "SQ", "UN")  # None: implicit VR
# What may be longer, and as which VRs: as any other one, it would become an object per value.
_LONGER: dict[BaseTag, tuple[int, tuple[str | None, ...]]] = {
    Tag("PixelData"): (MAX_FILE_BYTES, _BYTES),
    Tag("LUTData"): (_TABLE_BYTES, _BYTES),
    Tag("RedPaletteColorLookupTableData"): (_TABLE_BYTES, _BYTES),
    Tag("GreenPaletteColorLookupTableData"): (_TABLE_BYTES, _BYTES),
    Tag("BluePaletteColorLookupTableData"): (_TABLE_BYTES, _BYTES),
    Tag("ModalityLUTSequence"): (4 * _TABLE_BYTES, _SEQUENCES),
    Tag("VOILUTSequence"): (4 * _TABLE_BYTES, _SEQUENCES),
}


def empty_oversized(dataset: Dataset) -> None:
    """Empty what is longer than any sound value, before pydicom makes an object of each value.

    An element of implicit VR may have any length. An emptied one counts as damaged: it is there
    but has no value.

    Parameters
    ----------
    dataset : Dataset
        As parsed; elements that were accessed before are left alone, and so are private ones.
    """
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag, keep_deferred=True)
        if not isinstance(raw, RawDataElement) or raw.tag.is_private:
            continue
        limit, representations = _LONGER.get(raw.tag, (0, ()))
        if raw.VR not in representations:
            limit = MAX_VALUE_BYTES
        if len(raw.value or b"") > limit:
            dataset[tag] = raw._replace(length=0, value=b"")


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
        items = tuple(item for item in dataset.get(keyword) or () if isinstance(item, Dataset))
    except Exception:  # a damaged sequence is parsed on access
        return ()
    for item in items:
        empty_oversized(item)
    return items


def source_of(dataset: Dataset, transfer_syntax: str) -> DicomSource:
    """Collect the header fields that a result may name."""
    view_code = _coded(dataset, "ViewCodeSequence", _VIEW_CODES)
    region = _coded(dataset, "AnatomicRegionSequence", _REGION_CODES)
    return DicomSource(
        sop_instance_uid=_uid(dataset, "SOPInstanceUID"),
        series_instance_uid=_uid(dataset, "SeriesInstanceUID"),
        study_instance_uid=_uid(dataset, "StudyInstanceUID"),
        sop_class_uid=_uid(dataset, "SOPClassUID"),
        transfer_syntax_uid=_checked_uid(transfer_syntax),
        modality=text_of(dataset, "Modality").upper(),
        body_part=_stated(dataset, "BodyPartExamined") or region,
        view_position=_stated(dataset, "ViewPosition") or view_code,
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
        view_code=view_code,
        patient_orientation=_orientation(dataset),
        image_type=_image_type(dataset),
    )


def unchecked(source: DicomSource) -> tuple[Message, ...]:
    """Say what the header leaves out, so that it could not be checked."""
    notes = []
    if source.modality in NO_MODALITY:
        notes.append(Message("modality_not_stated", About.IMAGE))
    if not source.body_part:
        notes.append(Message("body_part_not_stated", About.IMAGE))
    # The slices of a CT have no view.
    if not source.view_position and source.modality != "CT":
        notes.append(Message("view_not_stated", About.IMAGE))
    return tuple(notes)


def identity_of(dataset: Dataset) -> PatientIdentity:
    """Read who the patient is, as the header says."""
    return PatientIdentity(
        name=text_of(dataset, "PatientName", _PERSON_NAME_LENGTH),
        patient_id=text_of(dataset, "PatientID"),
        birth_date=text_of(dataset, "PatientBirthDate"),
    )


def patient_of(dataset: Dataset) -> tuple[PatientContext, tuple[Message, ...]]:
    """Read age and sex, with a note for what is assumed or given but not understood.

    PatientAge is three digits and D, W, M or Y (PS3.5 6.2, AS); fewer digits and a bare number,
    which is taken as years, are common. Without it, the age is that at the date of the study,
    acquisition or image. PatientSex is M, F, or O, which is the same as not known here.
    """
    notes = []
    age_text = text_of(dataset, "PatientAge").upper()
    age = _age(age_text)
    if age_text and age is None:
        notes.append(Message("age_not_valid", About.PATIENT))
    if age is None:
        age = _age_by_dates(dataset)
        if age is not None:
            notes.append(Message("age_computed", About.PATIENT))
    elif age_text.isdigit():
        notes.append(Message("age_unit_not_stated", About.PATIENT))
    sex = text_of(dataset, "PatientSex").upper()
    if sex not in ("", "M", "F", "O"):
        notes.append(Message("sex_not_valid", About.PATIENT))
    context = PatientContext(age=age, sex=sex if sex in ("M", "F") else None)
    return context, tuple(notes)


def _age(text: str) -> float | None:
    match = re.fullmatch(r"([0-9]{1,3})([DWMY]?)", text)
    if match is None:
        return None
    years = int(match[1]) * _YEARS_PER_UNIT[match[2] or "Y"]
    return years if years <= 130 else None


def _age_by_dates(dataset: Dataset) -> float | None:
    """Age in whole years, in months as a fraction for the youngest; the dates do not leave here."""
    born = _date(dataset, "PatientBirthDate")
    taken = (_date(dataset, f"{which}Date") for which in ("Study", "Acquisition", "Content"))
    day = next((found for found in taken if found is not None), None)
    if born is None or day is None:
        return None
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    if not 0 <= months <= 130 * 12:
        return None
    return months / 12 if months < _MONTHS_WITHOUT_FRACTION else float(months // 12)


def _date(dataset: Dataset, keyword: str) -> date | None:
    """Read a date, YYYYMMDD or the older YYYY.MM.DD (PS3.5 6.2, DA)."""
    match = re.fullmatch(r"([0-9]{4})(\.?)([0-9]{2})\2([0-9]{2})", text_of(dataset, keyword))
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def _uid(dataset: Dataset, keyword: str) -> str:
    return _checked_uid(text_of(dataset, keyword))


def _checked_uid(text: str) -> str:
    return text if re.fullmatch(r"[0-9.]{1,64}", text) else ""


def _stated(dataset: Dataset, keyword: str) -> str:
    text = text_of(dataset, keyword).upper()
    return "" if text in _NOT_STATED else text


def _coded(dataset: Dataset, keyword: str, codes: Mapping[str, str]) -> str:
    """Name the first item of a code sequence: by its code, else by its meaning in any language."""
    items = items_of(dataset, keyword)
    if not items:
        return ""
    code = text_of(items[0], "CodeValue").upper()
    return codes.get(code) or _stated(items[0], "CodeMeaning")


def _image_type(dataset: Dataset) -> str:
    value = value_of(dataset, "ImageType")
    third = value[2] if isinstance(value, MultiValue) and len(value) > 2 else ""
    return clean_text(str(third), 16).upper()


def _orientation(dataset: Dataset) -> str:
    value = value_of(dataset, "PatientOrientation")
    directions = value[:2] if isinstance(value, MultiValue) else [value or ""]
    return "\\".join(clean_text(str(direction), 16).upper() for direction in directions)
