"""What the header alone rules out: another modality, another body part, a lateral view."""

from __future__ import annotations

import re
import unicodedata

from pydicom.config import IGNORE
from pydicom.uid import UID

from pneumoscope.findings import Abstention, DicomSource, Radiograph

# PS3.3 C.7.3.1.1.1: computed radiography, digital radiography, radiographic imaging (film).
# DR is an older name of DX; the SOP class is checked beside it.
_MODALITIES = frozenset({"CR", "DX", "RG", "DR"})
# Scanners and exports state how they stored the image: nothing about how it was taken.
_STORING_MODALITIES = frozenset({"OT", "SC"})
# PS3.4 B.5. Secondary Capture is how public sets and film scanners store radiographs.
_SECONDARY_CAPTURE = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture
    }
)
_SOP_CLASSES = _SECONDARY_CAPTURE | {
    "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
    "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # Digital X-Ray, for processing
}
_CHEST_WORDS = frozenset({"CXR", "THX", "LUNG", "LUNGS", "POITRINE"})
_CHEST_STARTS = ("CHEST", "THORA", "TORAX", "TORAC")
# A thoracic spine is no chest, in the languages that call it by the thorax.
_SPINE = ("SPINE", "VERTEBRA", "LUMB", "COLUMN", "COLONN", "WIRBEL", "RACHIS")
_LATERAL_WORDS = frozenset({"LL", "RL", "LAT", "LLAT", "RLAT", "LATERAL", "LATERO", "SAGITTAL"})
# "Lateral decubitus" names the patient's position; the projection is frontal.
_DECUBITUS = ("DECUB", "LLD", "RLD")


def unsuitable(radiograph: Radiograph) -> Abstention | None:
    """Why the header rules a radiograph out as a frontal chest radiograph, if it does.

    Image files and absent header fields rule nothing out; the reader notes what could not be
    checked.

    Parameters
    ----------
    radiograph : Radiograph
        As read.

    Returns
    -------
    Abstention or None
        Code "modality", "body_part" or "lateral_view"; None where nothing speaks against it.
    """
    source = radiograph.dicom
    if source is None:
        return None
    return _wrong_modality(source) or _wrong_body_part(source) or _wrong_view(source)


def _wrong_modality(source: DicomSource) -> Abstention | None:
    captured = source.sop_class_uid in _SECONDARY_CAPTURE
    allowed = _MODALITIES | _STORING_MODALITIES if captured else _MODALITIES
    if source.modality and source.modality not in allowed:
        return Abstention(
            "modality",
            f"The header says modality {source.modality}; "
            "only radiographs (CR, DX, DR, RG) are read.",
        )
    if source.sop_class_uid and source.sop_class_uid not in _SOP_CLASSES:
        kind = UID(source.sop_class_uid, IGNORE).name
        return Abstention(
            "modality", f"The object is a {kind}; only CR, DX and secondary capture are read."
        )
    return None


def _wrong_body_part(source: DicomSource) -> Abstention | None:
    # Rib views are taken softer and oblique, so RIB does not count as chest.
    if not source.body_part or _is_chest(_words(source.body_part)):
        return None
    return Abstention(
        "body_part", f"The header says body part {source.body_part}; only the chest is read."
    )


def _wrong_view(source: DicomSource) -> Abstention | None:
    lateral = [
        f"view {view}" for view in (source.view_position, source.view_code) if _is_lateral(view)
    ]
    if _is_sagittal(source.patient_orientation):
        lateral.append(f"patient orientation {source.patient_orientation}, a lateral view")
    if not lateral:
        return None
    return Abstention(
        "lateral_view", f"The header says {lateral[0]}; only frontal views (PA, AP) are read."
    )


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
