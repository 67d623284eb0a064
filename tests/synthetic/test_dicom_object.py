import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from pneumoscope.synthetic import View, draw_phantom, made_up_patient, make_phantoms, write_dicom

UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


@pytest.mark.parametrize("view", ["PA", "AP"])
def test_pydicom_reads_the_pixels_back_within_quantisation(view: View, tmp_path: Path) -> None:
    phantom = draw_phantom(11, size=200, opacity=True, view=view)
    write_dicom(phantom, tmp_path / "a.dcm")
    read = dcmread(tmp_path / "a.dcm")
    grey = read.pixel_array / (2**read.BitsStored - 1)
    assert np.abs(grey - phantom.pixels).max() <= 0.5 / 4095 + 1e-6
    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert (read.Modality, read.BodyPartExamined) == ("DX", "CHEST")
    assert read.PhotometricInterpretation == "MONOCHROME2"
    assert read.ViewPosition == view
    assert (
        view
        == {"postero-anterior": "PA", "antero-posterior": "AP"}[
            read.ViewCodeSequence[0].CodeMeaning
        ]
    )
    assert read.BurnedInAnnotation == "YES"


def test_identifiers_are_valid_and_told_apart_by_content_only(tmp_path: Path) -> None:
    seen: set[str] = set()
    variants = [(seed, ill, view) for seed in (0, 1) for ill in (0, 1) for view in ("PA", "AP")]
    for seed, ill, view in variants:
        phantom = draw_phantom(seed, size=128, opacity=bool(ill), view=view)
        write_dicom(phantom, tmp_path / "a.dcm")
        read = dcmread(tmp_path / "a.dcm")
        assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
        for name in UIDS:
            uid = UID(read[name].value)
            assert uid.is_valid
            # PS3.5 B.2: the suffix is a UUID, so below 2 to the 128 and without leading zeros.
            assert re.fullmatch(r"2\.25\.[1-9]\d*", uid)
            assert int(uid.removeprefix("2.25.")) < 2**128
            seen.add(uid)
    assert len(seen) == len(variants) * len(UIDS)


@pytest.mark.parametrize("seed", [0, 5, 123456])
def test_the_made_up_patient_is_one_person(seed: int, tmp_path: Path) -> None:
    write_dicom(draw_phantom(seed, size=128), tmp_path / "a.dcm")
    read, patient = dcmread(tmp_path / "a.dcm"), made_up_patient(seed)
    assert read.PatientID == f"PHANTOM-{seed}"
    assert str(read.PatientName).startswith("Phantom^Made-up-")
    assert read.PatientSex == patient.sex
    assert int(read.PatientAge.rstrip("Y")) == patient.age
    assert int(read.StudyDate[:4]) - int(read.PatientBirthDate[:4]) == patient.age


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_dciodvfy_finds_no_fault(tmp_path: Path) -> None:
    for path in make_phantoms(tmp_path, 3, dicom=True):
        done = subprocess.run(
            ["dciodvfy", "-new", path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0
        assert not re.findall("^(?:Error|Warning).*$", done.stdout + done.stderr, re.MULTILINE)
