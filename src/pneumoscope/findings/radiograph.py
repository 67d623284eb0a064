"""The image as it was read, and what its file says about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings.message import Message

MIN_SIDE = 32
MAX_SIDE = 20_000


@dataclass(frozen=True, slots=True)
class DicomSource:
    r"""The header fields of a DICOM object that a result may name; none identifies a person.

    Attributes
    ----------
    sop_instance_uid, series_instance_uid, study_instance_uid : str
        Identifiers (PS3.3 C.12.1, C.7.3.1, C.7.2.1); empty where the header lacks them.
    sop_class_uid, transfer_syntax_uid : str
        What kind of object it is, and how its pixels are encoded.
    modality, body_part, view_position, photometric : str
        (0008,0060), (0018,0015), (0018,5101), (0028,0004); upper case, empty where absent. Body
        part and view are taken from their code sequences where the plain element states nothing.
    view_code : str
        What the View Code Sequence (0054,0220) says, for example "PA" or "LATERAL"; empty where
        absent.
    patient_orientation : str
        (0020,0020): where the rows and the columns of the image point, for example "L\F".
    image_type : str
        Third value of (0008,0008), for example "LOCALIZER" (PS3.3 C.8.2.1.1.1); empty where absent.
    """

    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    sop_class_uid: str = ""
    transfer_syntax_uid: str = ""
    modality: str = ""
    body_part: str = ""
    view_position: str = ""
    photometric: str = ""
    view_code: str = ""
    patient_orientation: str = ""
    image_type: str = ""


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Who the patient is, as the DICOM header says; read only when asked for.

    Attributes
    ----------
    name : str
        Patient's Name (0010,0010), as DICOM writes it; may be empty.
    patient_id : str
        Patient ID (0010,0020); may be empty.
    birth_date : str
        Patient's Birth Date (0010,0030), YYYYMMDD; may be empty.
    """

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""


@dataclass(frozen=True, slots=True)
class PatientContext:
    """What is known of the patient besides the symptoms.

    Attributes
    ----------
    age : float or None
        Years, 0 to 130.
    sex : str or None
        "M" or "F".
    """

    age: float | None = None
    sex: str | None = None

    def __post_init__(self) -> None:
        if self.age is not None and not 0 <= self.age <= 130:
            raise ValueError(f"age {self.age:g} is outside 0..130 years")
        if self.sex not in (None, "M", "F"):
            raise ValueError(f"sex {self.sex!r} is neither M nor F")


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One grey image, dense tissue bright, with the facts of its file.

    Attributes
    ----------
    pixels : ndarray of float32, shape (height, width)
        As displayed, 0 black to 1 white (MONOCHROME2 sense: bone and consolidation bright).
    name : str
        The file's name, without its folder.
    file_format : str
        "JPEG", "PNG", "TIFF" or "DICOM".
    bits : int
        Significant bits per stored pixel.
    dicom : DicomSource or None
        Header facts; None for an image file.
    identity : PatientIdentity or None
        Only when the caller asked for it.
    patient : PatientContext
        Age and sex as the header gives them.
    notes : tuple of Message
        What the reader had to assume or mend.
    file_sha256 : str
        Of the file; empty where the pixels come from elsewhere.
    """

    pixels: NDArray[np.float32]
    name: str
    file_format: str
    bits: int = 8
    dicom: DicomSource | None = None
    identity: PatientIdentity | None = None
    patient: PatientContext = field(default_factory=PatientContext)
    notes: tuple[Message, ...] = ()
    file_sha256: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise TypeError(
                f"pixels must be a 2-D float32 array, not {self.pixels.dtype} {self.pixels.shape}"
            )
        if min(self.pixels.shape) < MIN_SIDE or max(self.pixels.shape) > MAX_SIDE:
            raise ValueError(f"sides {self.pixels.shape} are outside {MIN_SIDE}..{MAX_SIDE} pixels")

    @property
    def pixels_sha256(self) -> str:
        """SHA-256 of the shape and the pixels, as 64 hexadecimal digits."""
        digest = hashlib.sha256(f"{self.height} x {self.width}".encode())
        digest.update(self.pixels.astype("<f4").tobytes())
        return digest.hexdigest()

    @property
    def height(self) -> int:
        """Rows of the image, in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of the image, in pixels."""
        return int(self.pixels.shape[1])
