"""What tells the source or the label without a lung, and whether the classifier uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumoscope.bundles import find_bundle
from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.lab.datasets import SchemeSettings, draw, linked_groups, units_of
from pneumoscope.lab.studies.image_parts import CENTRE, Mask, Values
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.lab.studies.shortcuts_images import (
    LUNG_FEATURES,
    LUNG_VIEWS,
    PLAIN_FEATURES,
    PLAIN_VIEWS,
    SIDE,
    SPECTRUM_SIDE,
    WHOLE,
    Seen,
    look,
)
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.metrics import Estimate, auroc, bootstrap
from pneumoscope.workflow import Reader

CHILDREN, ADULTS, LUNGS = "guangzhou", "rsna", "rsna-lungs"
SEED, SMOKE_IMAGES = 42, 20
FOLDS, STRENGTH = 5, 0.01
LABELS = ("NORMAL", "ABNORMAL", "PNEUMONIA")
CHEATS = 0.5  # share of the whole image's advantage over chance
LUNG_FREE = ("border alone", "outside the centre alone", *LUNG_VIEWS[1:3])

_FEATURES_TEXT = (
    f"Border: the outer 5% of each side, at {SIDE} x {SIDE} pixels. Outside the centre: all but a "
    f"fixed rectangle, {CENTRE[0]:.0%} to {CENTRE[1]:.0%} of the height and {CENTRE[2]:.0%} to "
    f"{CENTRE[3]:.0%} of the width; a stand-in for lungs that nobody has marked, so shoulders, "
    "abdomen and some lung of unusual patients are in it. Thumbnail: the whole image at 16 x 16. "
    "File: height, width, bits, bytes and format. Spectrum: power in 32 bands of spatial frequency "
    f"at {SPECTRUM_SIDE} x {SPECTRUM_SIDE} pixels. What is told from a border need not be an "
    "artefact: arms, shoulders and the size of the body are in it too. It is not a lung, though."
)
_RULE = (
    "The rule, for what is left without lungs: **no**, where the interval reaches 0.5; **it "
    f"cheats**, where the interval lies above 0.5 and at least {CHEATS:.0%} of the whole image's "
    "advantage over chance (AUROC - 0.5) is left; **in part**, between."
)
_LIMITS = (
    "Only the border is certain to hold no lung. The fixed rectangle may leave the edges of the "
    "lungs of a child that fills the picture; a mask may leave out a consolidated part of a lung, "
    "whose picture then stays outside; and the outline of a cut is a clue of its own: what the "
    "*outline alone* gives is not in the image. For these two *it cheats* is a suspicion, to be "
    "looked into. "
    "A network was never trained on grey images, so a *no* is weaker evidence than a *yes*: what "
    "it does not use alone it may still use beside the lungs. The rows *border removed* and "
    "*centre alone* say what it loses without them."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """Images and which of them are the positive ones."""

    name: str
    seen: Sequence[Seen]
    positive: Mask

    @property
    def groups(self) -> NDArray[np.int64]:
        """Images of one patient, or of one picture, have one number."""
        patients = [f"{seen.source}/{seen.image.patient_id}" for seen in self.seen]
        return linked_groups(patients, [seen.exact for seen in self.seen])

    def estimate(self, scores: Mapping[str, Values]) -> dict[str, Estimate]:
        """AUROC of each score on the same resampled patients, and its difference to the first."""
        metrics = {name: partial(auroc, values, self.positive) for name, values in scores.items()}
        first = next(iter(metrics.values()))
        differences = {
            f"{name} - first": partial(_difference, metric, first)
            for name, metric in metrics.items()
        }
        return bootstrap(metrics | differences, [str(group) for group in self.groups])


def _difference(
    one: Callable[[Values], Values], other: Callable[[Values], Values], weights: Values
) -> Values:
    return np.asarray(one(weights) - other(weights))


def _run(context: Context, page: Page) -> None:
    bundle = find_bundle(None)
    page.source("bundle", f"{bundle.identity.name} {bundle.identity.version}, {bundle.sha256[:16]}")
    reader = Reader(bundle, threads=1)
    lungs = {
        image.extra["rsna_id"]: image.path for image in read_manifest(context.data / LUNGS).images
    }
    seen: list[Seen] = []
    for source in (CHILDREN, ADULTS):
        images = _images(context, source)
        page.source(source, f"{len(images)} images")
        seen += [look(source, image, reader, lungs) for image in images]
    _write(page, seen, bundle.description.classes)


def _images(context: Context, source: str) -> list[LabelledImage]:
    """All images of a set; a few of each label in a smoke run."""
    manifest = read_manifest(context.data / source)
    if not context.smoke:
        return list(manifest.images)
    rng = np.random.default_rng(SEED)
    chosen: list[LabelledImage] = []
    for label in manifest.labels:
        of_label = [image for image in manifest.images if image.label == label]
        chosen += [of_label[i] for i in rng.permutation(len(of_label))[:SMOKE_IMAGES]]
    return chosen


def probe(features: Values, positive: Mask, groups: NDArray[np.int64]) -> Values:
    """Score every image with a logistic regression that has not seen its patient.

    Parameters
    ----------
    features : ndarray of float64, shape (images, features)
        Standardised on the images that fit.
    positive : ndarray of bool, shape (images,)
    groups : ndarray of int64, shape (images,)
        Images with one number stay in one fold.

    Returns
    -------
    ndarray of float64, shape (images,)
        Log odds, each from the fold that held the image out.

    Raises
    ------
    DataError
        A class has fewer groups than there are folds.
    """
    units = units_of([str(each) for each in positive], groups, "patient")
    settings = SchemeSettings(
        scheme="stratified-kfold", folds=FOLDS, seed=SEED, stop=0.0, calibrate=0.0
    )
    scores = np.empty(len(positive))
    for fold in draw(units, settings).folds:
        fitting, held_out = fold.indices("train"), fold.indices("report")
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000))
        model.fit(features[fitting], positive[fitting])
        scores[held_out] = model.decision_function(features[held_out])
    return scores


def _label_task(name: str, seen: Sequence[Seen], label: str) -> _Task:
    return _Task(name, seen, np.array([each.image.label == label for each in seen]))


def _source_task(name: str, seen: Sequence[Seen]) -> _Task:
    return _Task(name, seen, np.array([each.source == ADULTS for each in seen]))


def _of(seen: Sequence[Seen], *, source: str = "", label: str = "") -> list[Seen]:
    return [
        each for each in seen if source in ("", each.source) and label in ("", each.image.label)
    ]


def _write(page: Page, seen: Sequence[Seen], classes: Sequence[str]) -> None:
    page.text(
        "A classifier of radiographs can be right for a wrong reason: the hospital, the machine "
        "or the way a patient was placed may go with the label. This study asks what tells the "
        "source or the label without looking at a lung, and whether the packaged classifier uses "
        "it."
    )
    page.published_text(
        "The reason: Baral 2025 recalls all 593 of its ABNORMAL test images, which is what a "
        "shortcut between sources would look like."
    )
    page.heading("What tells the source, and the label")
    _write_probes(page, seen)
    answered = [each for each in seen if each.answers]
    page.heading("What the packaged classifier answers to a part of the image")
    _write_classifier(page, answered, classes)
    page.heading("The view: AP or PA")
    _write_view(page, _of(seen, source=ADULTS), _of(answered, source=ADULTS))


def _write_probes(page: Page, seen: Sequence[Seen]) -> None:
    adults = _of(seen, source=ADULTS)
    masked = [each for each in adults if LUNG_FEATURES[0] in each.features]
    tasks = [
        _source_task("source, all images", seen),
        _source_task("source, NORMAL alone", _of(seen, label="NORMAL")),
        _source_task("source, PNEUMONIA alone", _of(seen, label="PNEUMONIA")),
        _label_task("guangzhou: PNEUMONIA", _of(seen, source=CHILDREN), "PNEUMONIA"),
        *(_label_task(f"rsna: {label}", adults, label) for label in LABELS),
    ]
    lung_tasks = [_label_task(f"rsna masked: {label}", masked, label) for label in LABELS]
    page.text(
        f"AUROC, 95% interval in brackets, of a plain logistic regression (scikit-learn, C = "
        f"{STRENGTH}, not tuned) on standardised features, in {FOLDS} folds that keep patients and "
        "identical pictures together; 1,000 bootstrap draws of patients. Labels are told from the "
        "other labels of the set. 0.5 is chance. The intervals do not hold the draw of the folds."
    )
    found = {task.name: _probed(task, PLAIN_FEATURES) for task in tasks}
    _probe_table(page, found)
    page.figure(
        "probes",
        _panels(found, columns=3),
        "AUROC of the probes with 95% intervals; dashed: chance.",
    )
    page.text(_FEATURES_TEXT)
    found_lungs = {
        task.name: _probed(task, (*PLAIN_FEATURES, *LUNG_FEATURES)) for task in lung_tasks
    }
    page.text(
        f"{len(masked)} images of rsna stand in {LUNGS} too, with the lungs alone. The convex "
        "hulls of those lungs, widened by 2% of the side, are cut out here. The outline of the "
        "cut tells the label by itself (the masks leave out consolidation), so only what *outside "
        "the lungs* has beyond the *outline* counts."
    )
    _probe_table(page, found_lungs)
    page.values("probes", _as_dicts(found | found_lungs))


def _probed(task: _Task, names: Sequence[str]) -> dict[str, Estimate]:
    groups = task.groups
    scores = {
        name: probe(np.stack([seen.features[name] for seen in task.seen]), task.positive, groups)
        for name in names
    }
    found = task.estimate(scores)
    return {name: found[name] for name in names}


def _probe_table(page: Page, found: Mapping[str, Mapping[str, Estimate]]) -> None:
    names = list(next(iter(found.values())))
    rows = [[task, *(with_interval(each[name]) for name in names)] for task, each in found.items()]
    page.table(["what is told", *names], rows)


def _write_classifier(page: Page, seen: Sequence[Seen], classes: Sequence[str]) -> None:
    adults = _of(seen, source=ADULTS)
    masked = [each for each in adults if LUNG_VIEWS[1] in each.answers]
    told = [label for label in ("PNEUMONIA", "ABNORMAL") if label in classes]
    children = _label_task("guangzhou: PNEUMONIA", _of(seen, source=CHILDREN), "PNEUMONIA")
    cases: list[tuple[_Task, tuple[str, ...]]] = [(children, PLAIN_VIEWS)]
    for name, part, views in (("rsna", adults, PLAIN_VIEWS), ("rsna masked", masked, LUNG_VIEWS)):
        cases += [(_label_task(f"{name}: {label}", part, label), views) for label in told]
    page.text(
        "Only images that the bundle was neither trained nor tuned on. All but the named part of "
        "the image is mid-grey; CLAHE follows, as always. AUROC of the class's probability "
        "against the other labels of the set, with 95% intervals from 1,000 draws of patients; "
        "the difference to the whole image is paired. The thumbnail is enlarged again; it has "
        "lungs, but no detail."
    )
    found = {}
    for task, views in cases:
        label = task.name.rpartition(" ")[2]
        found[task.name] = task.estimate(
            {v: np.array([each.answers[v][label] for each in task.seen]) for v in views}
        )
    page.table(
        ["what is told", "images", "what is left", "AUROC", "difference to the whole image"],
        [
            [task.name, str(len(task.seen)), view, *_cells(found[task.name], view)]
            for task, views in cases
            for view in views
        ],
    )
    shown = {task.name: {v: found[task.name][v] for v in views} for task, views in cases}
    page.figure(
        "classifier", _panels(shown, columns=2), "AUROC of the packaged classifier; dashed: chance."
    )
    page.text(_RULE)
    page.text("\n".join(_verdict(task.name, found[task.name]) for task, _ in cases))
    page.text(_LIMITS)
    page.values("classifier", _as_dicts(found))


def _cells(found: Mapping[str, Estimate], view: str) -> list[str]:
    difference = "-" if view == WHOLE else with_interval(found[f"{view} - first"])
    return [with_interval(found[view]), difference]


def _verdict(name: str, found: Mapping[str, Estimate]) -> str:
    parts = [f"{view}: {grade(found[view], found[WHOLE])}" for view in LUNG_FREE if view in found]
    return f"- **{name}**: {'; '.join(parts)}."


def grade(part: Estimate, whole: Estimate) -> str:
    """Say by the study's rule whether a part without lungs still tells the label.

    Parameters
    ----------
    part, whole : Estimate
        AUROC on the part and on the whole image.
    """
    if part.value is None or part.low is None or part.high is None or whole.value is None:
        return "cannot be said (too few images)"
    if part.high < 0.5:
        return "no: it answers the wrong way round"
    if part.low <= 0.5:
        return "no: chance lies within the interval"
    if whole.value <= 0.5:
        return "cannot be said (the whole image is told no better than by chance)"
    kept = (part.value - 0.5) / (whole.value - 0.5)
    word = "**it cheats**" if kept >= CHEATS else "in part"
    return f"{word}: {kept:.1%} of the whole image's advantage over chance is left"


def _write_view(page: Page, adults: Sequence[Seen], answered: Sequence[Seen]) -> None:
    alone = _label_task("all", adults, "PNEUMONIA")
    by_view = {"view alone": np.array([float(each.view == "AP") for each in adults])}
    everywhere = alone.estimate(by_view)["view alone"]
    found = {f"view alone, all {len(adults)} images": everywhere}
    task = _label_task("unseen", answered, "PNEUMONIA")
    scores = {
        "view": np.array([float(each.view == "AP") for each in answered]),
        "classifier": np.array([each.answers[WHOLE]["PNEUMONIA"] for each in answered]),
    }
    both = task.estimate(scores)
    unseen = f"{len(answered)} unseen images"
    found[f"view alone, {unseen}"] = both["view"]
    found[f"classifier, {unseen}"] = both["classifier"]
    for view in ("AP", "PA"):
        part = _label_task(view, [each for each in answered if each.view == view], "PNEUMONIA")
        values = np.array([each.answers[WHOLE]["PNEUMONIA"] for each in part.seen])
        name = f"classifier, {view} alone ({len(part.seen)}, {part.positive.sum()} PNEUMONIA)"
        found[name] = part.estimate({"classifier": values})["classifier"]
    page.text(
        "PNEUMONIA against the rest in rsna. A bedside (AP) view means a patient who could not "
        "stand: the view alone is a diagnosis of sorts, made by whoever ordered the image."
    )
    page.table(["score", "AUROC"], [[name, with_interval(each)] for name, each in found.items()])
    page.figure("view", _panels({"rsna: PNEUMONIA": found}, columns=1), "AUROC; dashed: chance.")
    page.text(_view_verdict(both["classifier - first"], list(found.values())[-2:]))
    page.values("view", _as_dicts({"rsna": found | {"difference": both["classifier - first"]}}))


def _view_verdict(difference: Estimate, within: Sequence[Estimate]) -> str:
    beyond = "tells" if (difference.low or 0) > 0 else "is not shown to tell"
    apart = [each.low is not None and each.low > 0.5 for each in within]
    sides = {2: "within both views", 1: "within one view only", 0: "within neither view"}
    return (
        f"Classifier minus view alone, paired: {with_interval(difference)}. By the rule that the "
        f"interval must lie above 0, the classifier {beyond} PNEUMONIA better than the view does; "
        "by the rule that the interval must lie above 0.5, it tells PNEUMONIA "
        f"{sides[sum(apart)]}."
    )


def _as_dicts(found: Mapping[str, Mapping[str, Estimate]]) -> dict[str, object]:
    return {
        task: {name: each.as_dict() for name, each in estimates.items()}
        for task, estimates in found.items()
    }


def _panels(found: Mapping[str, Mapping[str, Estimate]], *, columns: int) -> Figure:
    rows = -(-len(found) // columns)
    longest = max(len(estimates) for estimates in found.values())
    size = (4.2 * columns, rows * (0.3 * longest + 1.1))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    lows = [each.low for estimates in found.values() for each in estimates.values()]
    least = min([0.4, *(low for low in lows if low is not None)])
    for axis, (name, estimates) in zip(grid, found.items(), strict=False):
        for place, estimate in enumerate(estimates.values()):
            if estimate.value is None:
                continue
            if estimate.low is not None and estimate.high is not None:
                axis.plot([estimate.low, estimate.high], [place, place], color="#0072b2")
            axis.plot(estimate.value, place, "o", color="#0072b2")
        axis.axvline(0.5, color="black", linestyle="--", linewidth=1)
        axis.set_xlim(least - 0.02, 1.02)
        axis.set_yticks(range(len(estimates)), list(estimates))
        axis.set_ylim(len(estimates) - 0.5, -0.5)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("AUROC")
        axis.grid(axis="x", alpha=0.3)
    for axis in grid[len(found) :]:
        axis.remove()
    return figure


STUDY = Study(
    name="shortcuts",
    title="Shortcuts: what tells the source or the label without a lung",
    reaches="no published table: the suspicion that Baral 2025's perfect recall of ABNORMAL raises",
    cost="ten minutes on one core",
    run=_run,
    needs=(CHILDREN, ADULTS, LUNGS),
)
