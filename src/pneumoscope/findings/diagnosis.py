"""The whole result for one radiograph and its patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pneumoscope.findings.assessment import Assessment
from pneumoscope.findings.decision import Decision
from pneumoscope.findings.heatmap import Heatmap
from pneumoscope.findings.image_kind import ImageKind
from pneumoscope.findings.message import Message
from pneumoscope.findings.provenance import Provenance
from pneumoscope.findings.radiograph import PatientContext, Radiograph
from pneumoscope.version import VERSION

NOTICE = (
    "Decision support only: Pneumoscope does not make a diagnosis. "
    "A qualified clinician must review the image and the patient."
)


@dataclass(frozen=True, slots=True)
class BundleIdentity:
    """Which model answered.

    Attributes
    ----------
    name, version : str
        The bundle's.
    sha256 : str
        Checksum of ``bundle.json``, which holds those of the bundle's other files.
    training_sets : tuple of str
        "name: population" of each set that it was trained on.
    reads : ImageKind
        What it was made for.
    """

    name: str
    version: str
    sha256: str
    training_sets: tuple[str, ...] = ()
    reads: ImageKind = ImageKind.CHEST_RADIOGRAPH


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """Image, decision, heatmap and severity, or the reason why there is none.

    Exactly one of `decision` and `abstained` is set; `heatmap` goes with `decision`. `grad_cam` is
    the Grad-CAM of the predicted class beside a heatmap of another method, None where `heatmap` is
    the Grad-CAM. `severity` is None when no symptoms were given.
    """

    bundle: BundleIdentity
    radiograph: Radiograph
    decision: Decision | None
    heatmap: Heatmap | None
    abstained: Message | None
    severity: Assessment | None = None
    symptoms: Mapping[str, float] = field(default_factory=dict)
    patient: PatientContext = field(default_factory=PatientContext)
    warnings: tuple[Message, ...] = ()
    grad_cam: Heatmap | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(VERSION))
    notice: str = NOTICE

    def __post_init__(self) -> None:
        if (self.decision is None) == (self.abstained is None):
            raise ValueError("a diagnosis has either a decision or an abstention")
        if (self.heatmap is None) != (self.decision is None):
            raise ValueError("a heatmap goes with a decision")
        if self.grad_cam is not None and (
            self.heatmap is None or self.heatmap.method == "grad_cam"
        ):
            raise ValueError("a Grad-CAM stands beside a heatmap of another method")
