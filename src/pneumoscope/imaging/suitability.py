"""What the header alone rules out: another modality, another body part, a lateral view."""

from __future__ import annotations

import re
import unicodedata

from pydicom.config import IGNORE
from pydicom.uid import UID

from pneumoscope.findings import Abstention, DicomSource, Radiograph

# PS3.3 C.7.3.1.1.1: computed radiography, digital radiography, radiographic imaging (film).
_MODALITIES = frozenset({"CR", "DX", "RG"})
# PS3.4 B.5. Secondary Capture is how public sets and film scanners store radiographs.
_SOP_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
        "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
        "1.2.840.10008.5.1.4.1.1.1.1.1",  # Digital X-Ray, for processing
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture
    }
)
_CHEST_WORDS = frozenset({"CHEST", "THORAX", "TORAX", "TORACE", "LUNG", "LUNGS"})
_LATERAL_WORDS = frozenset({"LL", "RL", "LAT", "LLAT", "RLAT", "LATERAL"})
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
    if source.modality and source.modality not in _MODALITIES:
        return Abstention(
            "modality",
            f"The header says modality {source.modality}; only radiographs (CR, DX, RG) are read.",
        )
    if source.sop_class_uid and source.sop_class_uid not in _SOP_CLASSES:
        kind = UID(source.sop_class_uid, IGNORE).name
        return Abstention(
            "modality", f"The object is a {kind}; only CR, DX and secondary capture are read."
        )
    return None


def _wrong_body_part(source: DicomSource) -> Abstention | None:
    # Rib views are taken softer and oblique, so RIB does not count as chest.
    if not source.body_part or _words(source.body_part) & _CHEST_WORDS:
        return None
    return Abstention(
        "body_part", f"The header says body part {source.body_part}; only the chest is read."
    )


def _wrong_view(source: DicomSource) -> Abstention | None:
    view = source.view_position
    if any(mark in view.upper() for mark in _DECUBITUS) or not _words(view) & _LATERAL_WORDS:
        return None
    return Abstention(
        "lateral_view", f"The header says view {view}; only frontal views (PA, AP) are read."
    )


def _words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return frozenset(re.findall(r"[A-Z]+", plain.upper()))
