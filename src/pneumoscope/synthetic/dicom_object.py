"""A phantom as a Digital X-Ray Image Storage - For Presentation object (PS3.3 A.26)."""

from __future__ import annotations

import uuid
from importlib.metadata import version

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumoscope.synthetic.patient import made_up_patient, patient_id
from pneumoscope.synthetic.phantom import Phantom

BITS = 12
FIELD_MM = 430.0
"""Side of the detector that a phantom stands for."""

_DATE, _TIME = "20200101", "120000"
_NAMESPACE = uuid.UUID("7a0f6f0e-6c3e-5e0b-9d6e-3f0f6f1d8c55")
# PS3.16 CID 4010 (views) and CID 4031 (anatomic regions).
_VIEW_CODES = {"PA": codes.cid4010.PosteroAnterior, "AP": codes.cid4010.AnteroPosterior}
_CHEST = codes.cid4031.Chest


def to_dicom(phantom: Phantom) -> Dataset:
    """Build the DICOM object of a phantom.

    Parameters
    ----------
    phantom : Phantom
        What to encode. Grey 0..1 becomes 0..4095: 12 bits in 16, MONOCHROME2, uncompressed.

    Returns
    -------
    pydicom.dataset.Dataset
        With file meta information, ready for `pydicom.dcmwrite`. Patient, dates and identifiers
        are made up and follow from the phantom alone.
    """
    dataset = Dataset()
    _add_patient_and_study(dataset, phantom)
    _add_series_and_equipment(dataset, phantom)
    _add_acquisition(dataset, phantom)
    _add_pixels(dataset, phantom)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("implementation")
    meta.ImplementationVersionName = "PNEUMOSCOPE"
    dataset.file_meta = meta
    return dataset


def _uid(*parts: object) -> UID:
    """Derive an identifier under 2.25, a UUID as one integer (PS3.5 B.2), from `parts`."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(map(str, parts))).int}")


def _code(code: Code) -> Dataset:
    """Item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _add_patient_and_study(dataset: Dataset, phantom: Phantom) -> None:
    """Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2)."""
    patient = made_up_patient(phantom.seed)
    dataset.PatientName = f"Phantom^Made-up-{phantom.seed:03d}"
    dataset.PatientID = patient_id(phantom.seed)
    dataset.PatientBirthDate = f"{int(_DATE[:4]) - patient.age}{_DATE[4:]}"
    dataset.PatientSex = patient.sex
    dataset.PatientAge = f"{patient.age:03d}Y"
    dataset.StudyInstanceUID = _uid("study", *_content(phantom))
    dataset.StudyDate, dataset.StudyTime = _DATE, _TIME
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.StudyDescription = "Procedural phantom, no patient"


def _content(phantom: Phantom) -> tuple[object, ...]:
    """Tell apart the images that one seed can give."""
    side, ill = phantom.pixels.shape[0], bool(phantom.opacity_mask.any())
    return phantom.seed, side, phantom.view, ill


def _add_series_and_equipment(dataset: Dataset, phantom: Phantom) -> None:
    """DX Series, General Equipment and SOP Common modules (PS3.3 C.8.11.1, C.7.5.1, C.12.1)."""
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = _uid("instance", *_content(phantom))
    dataset.SeriesInstanceUID = _uid("series", *_content(phantom))
    dataset.Modality = "DX"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = "Pneumoscope"
    dataset.ManufacturerModelName = "Procedural phantom"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = version("pneumoscope")


def _add_acquisition(dataset: Dataset, phantom: Phantom) -> None:
    """DX Anatomy, Positioning, Detector; General and DX Image (PS3.3 C.8.11.2 to C.8.11.5)."""
    dataset.BodyPartExamined = "CHEST"
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = Sequence([_code(_CHEST)])
    dataset.PatientOrientation = ["L", "F"]
    dataset.ViewPosition = phantom.view
    view = _code(_VIEW_CODES[phantom.view])
    view.ViewModifierCodeSequence = Sequence([])
    dataset.ViewCodeSequence = Sequence([view])
    dataset.PositionerType = "NONE"
    dataset.DetectorType = "DIRECT"
    pitch = f"{FIELD_MM / phantom.pixels.shape[0]:.6f}"
    dataset.ImagerPixelSpacing = [pitch, pitch]
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Computed from a seed; no patient was exposed"
    dataset.AcquisitionDate = dataset.ContentDate = _DATE
    dataset.AcquisitionTime = dataset.ContentTime = _TIME
    dataset.BurnedInAnnotation = "YES"
    dataset.LossyImageCompression = "00"
    dataset.AcquisitionContextSequence = Sequence([])


def _add_pixels(dataset: Dataset, phantom: Phantom) -> None:
    """Image Pixel and the grey scale of DX Image (PS3.3 C.7.6.3, C.8.11.3)."""
    top = (1 << BITS) - 1
    stored = np.round(phantom.pixels * top).astype("<u2")
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = BITS
    dataset.HighBit = BITS - 1
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept = 0
    dataset.RescaleSlope = 1
    dataset.RescaleType = "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.WindowCenter = (1 << BITS) / 2
    dataset.WindowWidth = 1 << BITS
    dataset.PixelData = stored.tobytes()
