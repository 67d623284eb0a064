"""Procedural radiographs of made-up patients: for the demo, the tests, the load."""

from pneumoscope.synthetic.files import (
    LABELS_FILE,
    MAX_PHANTOMS,
    make_phantoms,
    write_dicom,
    write_png,
)
from pneumoscope.synthetic.patient import (
    MadeUpPatient,
    made_up_patient,
    patient_id,
)
from pneumoscope.synthetic.phantom import Phantom, View, draw_phantom

__all__ = [
    "LABELS_FILE",
    "MAX_PHANTOMS",
    "MadeUpPatient",
    "Phantom",
    "View",
    "draw_phantom",
    "made_up_patient",
    "make_phantoms",
    "patient_id",
    "write_dicom",
    "write_png",
]
