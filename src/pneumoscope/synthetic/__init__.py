"""Made-up patients, their radiographs and courses: for the demo, the tests, the load."""

from pneumoscope.synthetic.courses import CourseKind, SimulatedCourse, make_course
from pneumoscope.synthetic.ct_slice import draw_ct_slice
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
    "CourseKind",
    "MadeUpPatient",
    "Phantom",
    "SimulatedCourse",
    "View",
    "draw_ct_slice",
    "draw_phantom",
    "made_up_patient",
    "make_course",
    "make_phantoms",
    "patient_id",
    "write_dicom",
    "write_png",
]
