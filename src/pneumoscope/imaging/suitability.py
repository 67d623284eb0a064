"""What is not read: another modality, another body part, a lateral view, another look."""

from __future__ import annotations

import re
import unicodedata

from pydicom.config import IGNORE
from pydicom.uid import UID

from pneumoscope.findings import About, DicomSource, ImageKind, Message, Radiograph
from pneumoscope.imaging.appearance import likely_kind
from pneumoscope.imaging.dicom_header import NO_MODALITY

_RADIOGRAPH, _CT = ImageKind.CHEST_RADIOGRAPH, ImageKind.CHEST_CT
# PS3.3 C.7.3.1.1.1: computed radiography, digital radiography, radiographic imaging (film).
# DR is an older name of DX; the SOP class is checked beside it.
_MODALITIES = {_RADIOGRAPH: frozenset({"CR", "DX", "RG", "DR"}), _CT: frozenset({"CT"})}
# PS3.4 B.5. Secondary Capture is how public sets and film scanners store radiographs.
_SECONDARY_CAPTURE = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture
    }
)
_SOP_CLASSES = {
    _RADIOGRAPH: frozenset(
        {
            "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
            "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
            "1.2.840.10008.5.1.4.1.1.1.1.1",  # Digital X-Ray, for processing
        }
    ),
    _CT: frozenset(
        {
            "1.2.840.10008.5.1.4.1.1.2",  # CT
            "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
            "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
        }
    ),
}
_CHEST_WORDS = frozenset({"CXR", "THX", "LUNG", "LUNGS", "POITRINE"})
_CHEST_STARTS = ("CHEST", "THORA", "TORAX", "TORAC")
# A thoracic spine is no chest, in the languages that call it by the thorax.
_SPINE = ("SPINE", "VERTEBRA", "LUMB", "COLUMN", "COLONN", "WIRBEL", "RACHIS")
_LATERAL_WORDS = frozenset({"LL", "RL", "LAT", "LLAT", "RLAT", "LATERAL", "LATERO", "SAGITTAL"})
# "Lateral decubitus" names the patient's position; the projection is frontal.
_DECUBITUS = ("DECUB", "LLD", "RLD")


def unsuitable(
    radiograph: Radiograph, reads: ImageKind = ImageKind.CHEST_RADIOGRAPH
) -> Message | None:
    """Why an image is none of those that a bundle reads, if it is not.

    The header goes first. Where it names no modality, and for image files, which have none, the
    picture itself is looked at: see `likely_kind`. What is absent rules nothing out; the reader
    notes what could not be checked.

    Parameters
    ----------
    radiograph : Radiograph
        As read.
    reads : ImageKind
        What the bundle was made for.

    Returns
    -------
    Message or None
        Code "modality", "object_kind", "body_part", "lateral_view", "lateral_orientation",
        "localizer", "not_a_radiograph" or "not_a_ct_slice"; None where nothing speaks against it.

    See Also
    --------
    pneumoscope.inference.packaged_picture_check : What the header cannot say.

    Examples
    --------
    >>> import numpy as np
    >>> from pneumoscope.findings import DicomSource, Radiograph
    >>> from pneumoscope.imaging import unsuitable
    >>> pixels = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    >>> header = DicomSource(modality="DX", view_position="LL")
    >>> unsuitable(Radiograph(pixels, "image.dcm", "DICOM", bits=12, dicom=header)).code
    'lateral_view'
    """
    source = radiograph.dicom
    if source is None:
        return _wrong_look(radiograph, reads)
    wrong = _wrong_modality(source, reads) or _wrong_body_part(source)
    wrong = wrong or (_localizer(source) if reads is _CT else _wrong_view(source))
    if wrong is not None:
        return wrong
    stated = source.modality not in NO_MODALITY or source.sop_class_uid in _SOP_CLASSES[reads]
    return None if stated else _wrong_look(radiograph, reads)


def _wrong_modality(source: DicomSource, reads: ImageKind) -> Message | None:
    captured = source.sop_class_uid in _SECONDARY_CAPTURE
    allowed = _MODALITIES[reads] | NO_MODALITY if captured else _MODALITIES[reads]
    if source.modality and source.modality not in allowed:
        return _other_kind("modality", reads, modality=source.modality)
    if source.sop_class_uid not in _SOP_CLASSES[reads] | _SECONDARY_CAPTURE | {""}:
        kind = UID(source.sop_class_uid, IGNORE).name
        return _other_kind("object_kind", reads, kind=kind)
    return None


def _other_kind(code: str, reads: ImageKind, **seen: str) -> Message:
    """Refuse another kind of image than the bundle reads."""
    modalities = tuple(sorted(_MODALITIES[reads]))
    values = {**seen, "reads": reads.value, "modalities": modalities}
    return Message(code, About.IMAGE, values)


def _wrong_look(radiograph: Radiograph, reads: ImageKind) -> Message | None:
    likely = likely_kind(radiograph.pixels)
    if likely is None or likely is reads:
        return None
    # Radiographs that stand on their head are what is taken for a CT slice most often.
    code = "not_a_ct_slice" if reads is _CT else "not_a_radiograph"
    return _other_kind(code, reads, likely=likely.value)


def _localizer(source: DicomSource) -> Message | None:
    # A scout view is a projection, although the scanner is a CT.
    if source.image_type != "LOCALIZER":
        return None
    return Message("localizer", About.IMAGE)


def _wrong_body_part(source: DicomSource) -> Message | None:
    # Rib views are taken softer and oblique, so RIB does not count as chest.
    if not source.body_part or _is_chest(_words(source.body_part)):
        return None
    return Message("body_part", About.IMAGE, {"body_part": source.body_part})


def _wrong_view(source: DicomSource) -> Message | None:
    for view in (source.view_position, source.view_code):
        if _is_lateral(view):
            return Message("lateral_view", About.IMAGE, {"view": view})
    if not _is_sagittal(source.patient_orientation):
        return None
    stated = {"orientation": source.patient_orientation}
    return Message("lateral_orientation", About.IMAGE, stated)


def _is_chest(words: frozenset[str]) -> bool:
    if any(mark in word for word in words for mark in _SPINE):
        return False
    return bool(words & _CHEST_WORDS) or any(word.startswith(_CHEST_STARTS) for word in words)


def _is_lateral(view: str) -> bool:
    if any(mark in view.upper() for mark in _DECUBITUS):
        return False
    return bool(_words(view) & _LATERAL_WORDS)


def _is_sagittal(orientation: str) -> bool:
    """Whether the rows point to the front or the back of the patient (PS3.3 C.7.6.1.1.1).

    Rows and columns cannot both do so: such a value is not valid and says nothing.
    """
    row, _, column = orientation.partition("\\")
    return row.startswith(("A", "P")) and not column.startswith(("A", "P"))


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return frozenset(re.findall(r"[A-Z]+", plain.upper()))
