"""Read, predict, decide, assess: the one way through the rooms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from pneumoscope.bundles import Bundle, find_bundle
from pneumoscope.decision import decide
from pneumoscope.errors import InputError
from pneumoscope.findings import (
    About,
    Assessment,
    Bounds,
    Decision,
    Diagnosis,
    EngineInfo,
    Heatmap,
    ImageKind,
    Message,
    PatientContext,
    Prediction,
    Provenance,
    Radiograph,
    Value,
)
from pneumoscope.imaging import polarity_note, read_radiograph, unsuitable
from pneumoscope.inference import (
    lungs_warning,
    open_engine,
    packaged_lung_fields,
    packaged_picture_check,
    share_inside,
    to_evidence_heatmap,
    to_heatmap,
)
from pneumoscope.severity import (
    GUIDELINE,
    PatientNotCoveredError,
    assess,
    check_case,
    check_rule_base,
    identify_rule_base,
    severity_warnings,
)
from pneumoscope.version import VERSION
from pneumoscope.workflow.coverage import population_warnings, too_far
from pneumoscope.workflow.leaks import leak_warnings

_log = logging.getLogger(__name__)


class Reader:
    """A bundle made ready to read radiographs. Thread-safe once made.

    Parameters
    ----------
    bundle : Bundle
        The model.
    engine, precision : str or None
        What runs it, and how; see `inference.open_engine`.
    threads : int or None
        Cores for one image; None for all that this process may use.

    Raises
    ------
    BundleError
        The bundle's graph cannot be used.
    InputError
        The engine cannot be used, or not in this precision.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._engine = open_engine(bundle, name=engine, precision=precision, threads=threads)
        # Calibration and thresholds are those of the engine in its precision.
        bundle = bundle.read_by(self._engine.info.name, self._engine.info.precision)
        self.bundle = bundle
        self._age_groups = bundle.description.groups()
        self._profiles = tuple(section.profile() for section in bundle.description.profiles)
        _announce(bundle.description.name, bundle.description.version, bundle.terms)
        if bundle.description.leaks:
            _log.warning("model bundle %s: its split leaks", bundle.description.name)

    @property
    def engine(self) -> EngineInfo:
        """What runs the network."""
        return self._engine.info

    def score(
        self, radiograph: Radiograph, *, age: float | None = None, view: str = ""
    ) -> Decision:
        """Say what the image shows, even where `diagnose` would abstain; without a heatmap.

        Parameters
        ----------
        radiograph : Radiograph
        age : float or None
            Years; by default as the header says, else the image tells the age group.
        view : str
            "AP" or "PA"; by default as the header says.
        """
        return self._decide(self._predict(radiograph), radiograph, age, view)

    def judge(
        self, radiograph: Radiograph, *, age: float | None = None, view: str = ""
    ) -> tuple[Decision, Message | None]:
        """Answer as `score` does, and say why `diagnose` would not."""
        prediction = self._predict(radiograph)
        decision = self._decide(prediction, radiograph, age, view)
        refused, _ = self._refused(radiograph)
        return decision, refused or too_far(self.bundle, prediction, decision.age_group)

    def look(
        self,
        radiograph: Radiograph,
        label: str,
        shape: tuple[int, int],
        *,
        age: float | None = None,
        view: str = "",
    ) -> tuple[Decision, Heatmap, Heatmap | None]:
        """Answer, even where `diagnose` would abstain, and show what speaks for a class.

        Parameters
        ----------
        radiograph : Radiograph
        label : str
            One of the bundle's classes. Its evidence map is shown, where the bundle has one, and
            else its Grad-CAM; outlined also where `diagnose` would not.
        shape : (int, int)
            Height and width of the heatmap, in pixels; `diagnose` takes those of the image.
        age, view
            See `score`.

        Returns
        -------
        Decision
        Heatmap
            What is shown.
        Heatmap or None
            The class's Grad-CAM, where another map is shown.
        """
        prediction = self._predict(radiograph)
        decision = self._decide(prediction, radiograph, age, view)
        grad_cam = self._grad_cam(prediction, decision, label, shape)
        evidence = self.bundle.description.evidence
        if prediction.evidence is None or evidence is None or label not in evidence.classes:
            return decision, grad_cam, None
        shown = prediction.evidence[evidence.classes.index(label)]
        return decision, to_evidence_heatmap(shown, shape, label), grad_cam

    def diagnose(
        self,
        radiograph: Radiograph,
        *,
        symptoms: Mapping[str, float] | None = None,
        patient: PatientContext | None = None,
        bounds: Bounds | None = None,
        rule_base: str = GUIDELINE,
        now: datetime | None = None,
    ) -> Diagnosis:
        """Join a radiograph with its patient; see `diagnose`.

        With `bounds`, the patient's own ranges, the severity has the level within them beside it.
        """
        patient, warnings = _known_patient(radiograph, patient or PatientContext())
        abstained, told = self._refused(radiograph)
        warnings += told
        decision: Decision | None = None
        heatmap: Heatmap | None = None
        grad_cam: Heatmap | None = None
        if abstained is None:
            prediction = self._predict(radiograph)
            decision = self._decide(prediction, radiograph, patient.age, "")
            warnings += self._polarity_warnings(radiograph)
            warnings += population_warnings(self.bundle, patient, decision.age_group)
            abstained = too_far(self.bundle, prediction, decision.age_group)
            if abstained is None:
                heatmap, grad_cam = self._maps(prediction, decision, radiograph)
                heatmap, told = self._with_lungs(heatmap, radiograph)
                warnings += told
            else:
                decision = None
        severity = None
        if symptoms:
            evidence = decision if self._reads_radiographs else None
            severity, told = _assess(symptoms, evidence, patient, bounds, rule_base)
            warnings += told
            if severity is not None and evidence is None:
                code = "image_not_read" if abstained else "image_is_no_evidence"
                warnings.append(Message(code, About.SEVERITY))
        return Diagnosis(
            bundle=self.bundle.identity,
            radiograph=radiograph,
            decision=decision,
            heatmap=heatmap,
            abstained=abstained,
            severity=severity,
            symptoms=dict(symptoms or {}),
            patient=patient,
            warnings=(
                *leak_warnings(self.bundle),
                *_use_warnings(self.bundle),
                *radiograph.notes,
                *warnings,
            ),
            grad_cam=grad_cam,
            provenance=Provenance(
                program=VERSION,
                created=now,
                engine=self._engine.info,
                rule_base=identify_rule_base(rule_base) if symptoms else None,
                file_sha256=radiograph.file_sha256 or None,
                pixels_sha256=radiograph.pixels_sha256,
            ),
        )

    def _predict(self, radiograph: Radiograph) -> Prediction:
        (prediction,) = self._engine.predict([radiograph])
        return prediction

    def _refused(self, radiograph: Radiograph) -> tuple[Message | None, list[Message]]:
        """Say why the picture is not read, by its header or by its look, or what to check of it."""
        wrong = unsuitable(radiograph, self.bundle.description.reads)
        if wrong is not None or not self._checks_pictures:
            return wrong, []
        check = packaged_picture_check().look(radiograph.pixels)
        return next(iter(check.refusals), None), list(check.warnings)

    def _polarity_warnings(self, radiograph: Radiograph) -> list[Message]:
        note = polarity_note(radiograph) if self._reads_radiographs else None
        return [] if note is None else [note]

    @property
    def _checks_pictures(self) -> bool:
        return self._reads_radiographs and self.bundle.description.picture_check

    @property
    def _reads_radiographs(self) -> bool:
        return self.bundle.description.reads is ImageKind.CHEST_RADIOGRAPH

    def _decide(
        self, prediction: Prediction, radiograph: Radiograph, age: float | None, view: str
    ) -> Decision:
        source = radiograph.dicom
        stated = "" if source is None else source.view_position or source.view_code
        return decide(
            prediction,
            age_groups=self._age_groups,
            profiles=self._profiles,
            age=radiograph.patient.age if age is None else age,
            view=view or stated,
        )

    def _maps(
        self, prediction: Prediction, decision: Decision, radiograph: Radiograph
    ) -> tuple[Heatmap, Heatmap | None]:
        """Give the map to show, and the Grad-CAM beside it where it is another one."""
        shape = (radiograph.height, radiograph.width)
        grad_cam = self._grad_cam(prediction, decision, decision.predicted, shape)
        described = self.bundle.description.evidence
        if prediction.evidence is None or described is None:
            return grad_cam, None
        evidence = to_evidence_heatmap(
            prediction.evidence[described.classes.index(described.shown)],
            shape,
            described.shown,
            floor=described.floor,
            why_not_outlined=described.why_not_outlined.get(decision.age_group.name, ""),
        )
        return evidence, grad_cam

    def _with_lungs(
        self, heatmap: Heatmap, radiograph: Radiograph
    ) -> tuple[Heatmap, list[Message]]:
        """Say how much of the map lies inside the lungs, and warn where they are not found."""
        if not self._reads_radiographs:
            return heatmap, []
        lungs = packaged_lung_fields().find(radiograph.pixels)
        warning = lungs_warning(lungs)
        if warning is not None:
            return heatmap, [warning]
        return replace(heatmap, lung_share=share_inside(heatmap.values, lungs.mask)), []

    def _grad_cam(
        self, prediction: Prediction, decision: Decision, label: str, shape: tuple[int, int]
    ) -> Heatmap:
        head = [group.name for group in self._age_groups].index(decision.age_group.name)
        column = prediction.classes.index(label)
        return to_heatmap(prediction.activation_maps[head, column], shape, label)


def diagnose(
    path: str | Path,
    *,
    symptoms: Mapping[str, float] | None = None,
    age: float | None = None,
    sex: str | None = None,
    bundle: str | None = None,
    engine: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    rule_base: str = GUIDELINE,
    with_identity: bool = False,
    now: datetime | None = None,
) -> Diagnosis:
    """Read one chest radiograph, explain it, and join it with the symptoms into a severity.

    Decision support, not a diagnosis by itself. A bundle may be made for other images, such as
    axial slices of a chest CT: it then reads those, and the severity is from the symptoms alone.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, TIFF or DICOM file.
    symptoms : mapping of str to float, optional
        Any of `pneumoscope.severity.INPUTS`, in their units; `baral2025` needs all eleven of
        `SYMPTOMS`. Without any, no severity is given.
    age : float, optional
        Years, 0..130; by default as the DICOM header says. Without either, the image tells the age
        group, and a warning says which.
    sex : {"M", "F"}, optional
        By default as the DICOM header says.
    bundle : str, optional
        A bundle's name or folder; by default the packaged one.
    engine, precision : str, optional
        What runs its network, and how; see `inference.open_engine`.
    threads : int, optional
        Cores for the network; by default all that this process may use.
    rule_base : str
        One of `pneumoscope.severity.rule_bases()`. Where it does not cover the patient's age, the
        result has a warning instead of a severity.
    with_identity : bool
        Whether the result may name the patient as the DICOM header does.
    now : datetime, optional
        The time to be kept in the result, with its time zone.

    Returns
    -------
    Diagnosis
        With `abstained` set, and no probabilities, for a readable image that is none of those that
        the bundle reads, by its header or by its look (see `imaging.unsuitable`), that is no
        upright frontal chest (see `inference.packaged_picture_check`), or that is too unlike the
        images that trained the bundle.

    Raises
    ------
    InputError
        The image, a symptom, the age, the sex, the time, the rule base, the bundle or the engine
        cannot be used; one line says why.

    See Also
    --------
    track_visits : The symptoms of several visits of one patient.
    evaluate_folder : How good a bundle is on labelled images.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pneumoscope.synthetic import make_phantoms
    >>> from pneumoscope.workflow import diagnose
    >>> (image,) = make_phantoms(Path("."), 1, dicom=False, seed=7)
    >>> result = diagnose(image, symptoms={"oxygen_level": 91, "respiratory_rate": 26}, age=54)
    >>> sorted(result.decision.probabilities)
    ['ABNORMAL', 'NORMAL', 'PNEUMONIA']
    >>> str(result.severity.level)
    'moderate'
    """
    patient = _patient(age, sex)
    if now is not None and now.tzinfo is None:
        raise InputError("now: a time needs its time zone, such as datetime.now(UTC)")
    # What is wrong is told before the image and the model cost any time.
    check_rule_base(rule_base)
    if symptoms:
        check_case(symptoms, rule_base=rule_base)
    radiograph = read_radiograph(Path(path), with_identity=with_identity)
    reader = Reader(find_bundle(bundle), engine=engine, precision=precision, threads=threads)
    return reader.diagnose(
        radiograph, symptoms=symptoms, patient=patient, rule_base=rule_base, now=now
    )


@cache
def _announce(name: str, version: str, terms: str) -> None:
    """Say once per process under which terms the model's training data came."""
    _log.warning("model bundle %s %s, trained on %s (see LICENSE-BUNDLE)", name, version, terms)


def _patient(age: float | None, sex: str | None) -> PatientContext:
    try:
        return PatientContext(age, sex)
    except ValueError as error:
        raise InputError(str(error)) from None


def _known_patient(
    radiograph: Radiograph, given: PatientContext
) -> tuple[PatientContext, list[Message]]:
    """Take what was given, and the header for the rest; say where they disagree."""
    header = radiograph.patient
    warnings = []
    # Ages are given in whole years more often than not.
    if given.age is not None and header.age is not None and abs(given.age - header.age) >= 1:
        ages = {"given": given.age, "header": header.age}
        warnings.append(Message("age_differs", About.PATIENT, ages))
    if given.sex is not None and header.sex is not None and given.sex != header.sex:
        sexes = {"given": given.sex, "header": header.sex}
        warnings.append(Message("sex_differs", About.PATIENT, sexes))
    age = header.age if given.age is None else given.age
    return PatientContext(age, given.sex or header.sex), warnings


def _use_warnings(bundle: Bundle) -> list[Message]:
    """Say what the bundle must not be used for."""
    described = bundle.description
    if not described.not_for:
        return []
    uses: dict[str, Value] = {"bundle": described.name, "uses": tuple(described.not_for)}
    return [Message("must_not_be_used", About.MODEL, uses)]


def _assess(
    symptoms: Mapping[str, float],
    decision: Decision | None,
    patient: PatientContext,
    bounds: Bounds | None,
    rule_base: str,
) -> tuple[Assessment | None, list[Message]]:
    """Give the severity with its warnings, or a warning why this patient gets none."""
    try:
        severity = assess(
            symptoms,
            probabilities=None if decision is None else decision.probabilities,
            contribution=0.0 if decision is None else decision.confidence.contribution,
            bounds=bounds,
            patient=patient,
            rule_base=rule_base,
        )
    except PatientNotCoveredError as error:
        return None, [Message("no_severity", About.SEVERITY, {"reason": error.reason})]
    return severity, severity_warnings(severity, patient)
