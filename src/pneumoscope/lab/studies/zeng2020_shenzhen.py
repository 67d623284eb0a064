"""What merging the children of Guangzhou with a set of Shenzhen can show, and what it cannot.

Zeng 2020 merges them with a set that "was collected by Shenzhen Third People's Hospital" and does
not say which. A set of that hospital is public (Jaeger 2014): 326 normal and 336 with tuberculosis,
which is not pneumonia. So only its normal images can be merged, and then the source tells the
class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.lab.datasets import Split
from pneumoscope.lab.studies.folds import corrected_interval, signed, spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context
from pneumoscope.lab.studies.zeng2020_backbone import SEED, Frozen
from pneumoscope.lab.studies.zeng2020_heads import PRESET, HeadTrainer, Parts
from pneumoscope.metrics import Estimate, auroc

SECOND, HOSPITAL, NORMAL, SICK = "lungs-tb", "shenzhen", "NORMAL", "TUBERCULOSIS"
STOP, REPORT = 0.14, 0.3
SMOKE_IMAGES = 60
ALONE, MERGED = "Guangzhou alone", "merged"
TOLD = "TUBERCULOSIS, Shenzhen"
MEASURES = {
    "accuracy, Guangzhou": "accuracy on Guangzhou's reported images",
    "accuracy, both": "accuracy on the reported images of both",
    "AUROC, Guangzhou": "AUROC on Guangzhou's reported images",
    "NORMAL, Guangzhou": "NORMAL of Guangzhou called NORMAL",
    "NORMAL, Shenzhen": "NORMAL of Shenzhen, reported, called NORMAL",
    TOLD: "TUBERCULOSIS of Shenzhen called NORMAL (wrong)",
    "AUROC, Shenzhen": "AUROC of TUBERCULOSIS against reported NORMAL, Shenzhen",
}

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]


def shenzhen_images(context: Context, page: Page) -> list[LabelledImage]:
    """Read the hospital's images, some of them in a smoke run, and name them on the page."""
    images = [
        image
        for image in read_manifest(context.data / SECOND).images
        if image.extra.get("source") == HOSPITAL
    ]
    if context.smoke:
        order = np.random.default_rng(SEED).permutation(len(images))
        images = [images[i] for i in np.sort(order[:SMOKE_IMAGES])]
    page.source(f"{SECOND}, {HOSPITAL}", f"{len(images)} images")
    return images


@dataclass(frozen=True, slots=True, eq=False)
class Merge:
    """Both hospitals' images, the children of Guangzhou first.

    Attributes
    ----------
    children : Frozen
    pneumonia : ndarray of bool, shape (children's images,)
    shenzhen : Frozen
    images : sequence of LabelledImage
        Those of Shenzhen.
    """

    children: Frozen
    pneumonia: NDArray[np.bool_]
    shenzhen: Frozen
    images: Sequence[LabelledImage]

    @property
    def features(self) -> Tensor:
        """Of all images, shape (images, 1, units)."""
        joined = np.concatenate([self.children.features, self.shenzhen.features])
        return torch.from_numpy(joined)

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Which images are PNEUMONIA; none of Shenzhen is, those with tuberculosis neither."""
        return np.append(self.pneumonia, np.zeros(len(self.images), bool))

    def of_shenzhen(self, label: str) -> Positions:
        """Positions of the hospital's images with a label, among all images."""
        chosen = [image.label == label for image in self.images]
        return len(self.pneumonia) + np.flatnonzero(chosen)


def merged_parts(merge: Merge, children: Parts, seed: int) -> Parts:
    """Add Shenzhen's NORMAL images to the parts of Guangzhou, in random parts as large as theirs.

    Parameters
    ----------
    merge : Merge
    children : Parts
        Of Guangzhou, by patient. Each image of Shenzhen is a patient.
    seed : int
    """
    order = np.random.default_rng([SEED, seed]).permutation(merge.of_shenzhen(NORMAL))
    first, second = round(REPORT * len(order)), round((REPORT + STOP) * len(order))
    return Parts(
        np.append(children.train, order[second:]),
        np.append(children.stop, order[first:second]),
        np.append(children.report, order[:first]),
    )


def measure_merge(merge: Merge, split: Split, seed: int) -> dict[str, dict[str, float]]:
    """Train a head on Guangzhou alone and one on both, and let both answer the same images.

    Returns
    -------
    dict of str to dict of str to float
        By what trained the head, the `MEASURES`, 0..1; and under ``source`` the AUROC of a head
        that tells the hospitals' NORMAL images apart.
    """
    fold = split.folds[0]
    children = Parts(*(fold.indices(part) for part in ("train", "stop", "report")))
    both = merged_parts(merge, children, seed)
    features, truth = merge.features, merge.truth
    found = {}
    for name, parts in ((ALONE, children), (MERGED, both)):
        trainer = HeadTrainer(features, torch.from_numpy(truth).long(), parts, seed)
        head, _ = trainer.train(nn.Dropout(PRESET))
        answers = trainer.answers(head, np.arange(len(truth)))
        found[name] = _figures(merge, answers, children, both)
    source = np.arange(len(truth)) >= len(merge.pneumonia)
    normal = Parts(*(part[~truth[part]] for part in (both.train, both.stop, both.report)))
    trainer = HeadTrainer(features, torch.from_numpy(source).long(), normal, seed)
    head, _ = trainer.train(nn.Dropout(PRESET))
    found["source"] = {"AUROC": float(auroc(trainer.answers(head), source[normal.report]))}
    return found


def _figures(merge: Merge, answers: Floats, children: Parts, both: Parts) -> dict[str, float]:
    truth, called = merge.truth, answers >= 0.5
    healthy = children.report[~truth[children.report]]
    others = both.report[both.report >= len(merge.pneumonia)]
    report, sick = children.report, merge.of_shenzhen(SICK)
    within = np.append(others, sick)
    figures = (
        (called == truth)[report].mean(),
        (called == truth)[both.report].mean(),
        auroc(answers[report], truth[report]),
        (~called)[healthy].mean(),
        (~called)[others].mean(),
        (~called)[sick].mean(),
        auroc(answers[within], np.isin(within, sick)),
    )
    return dict(zip(MEASURES, map(float, figures), strict=True))


def write_merge(page: Page, merge: Merge, splits: Sequence[Split], ratio: float) -> None:
    """Write what a merge changes, with corrected intervals over the splits of Guangzhou.

    Parameters
    ----------
    page : Page
    merge : Merge
    splits : sequence of Split
        Of the children, each with one fold.
    ratio : float
        Held-out images by training images.
    """
    found = [measure_merge(merge, split, number) for number, split in enumerate(splits)]

    def over(name: str, measure: str) -> list[float]:
        return [each[name][measure] for each in found]

    gains = {
        measure: corrected_interval(
            [each[MERGED][measure] - each[ALONE][measure] for each in found], ratio
        )
        for measure in MEASURES
    }
    _write_why(page, merge)
    page.table(
        ["head with p = 0.5", ALONE, MERGED, "difference"],
        [
            [
                called,
                spread(over(ALONE, measure), 3),
                spread(over(MERGED, measure), 3),
                signed(gains[measure], 3),
            ]
            for measure, called in MEASURES.items()
        ],
    )
    sick_alone, sick_merged = (np.mean(over(name, TOLD)) for name in (ALONE, MERGED))
    page.text(
        f"Mean and standard deviation over {len(splits)} splits by patient, the difference with a "
        f"corrected 95% interval as above; of Shenzhen, {REPORT:.0%} of the NORMAL images are "
        f"reported, and all {len(merge.of_shenzhen(SICK))} with tuberculosis, none of which "
        "trained. A head that tells the hospitals apart by their NORMAL images alone reaches an "
        f"AUROC of {spread(over('source', 'AUROC'), 3)}."
    )
    page.text(
        f"**Of the sick of Shenzhen the head trained on {ALONE} calls {sick_alone:.0%} NORMAL, the "
        f"merged one {sick_merged:.0%}.** {_verdict(gains)}"
    )
    page.text(
        "**What a merge can show**: whether a network trained on one hospital keeps its "
        "specificity in another. **What it cannot**: that the network got better at pneumonia. The "
        "accuracy on both rises with every image whose source is enough to answer it, and no "
        "PNEUMONIA of Shenzhen is there to contradict. That needs a second set with both classes."
    )
    page.values(
        "merge",
        {
            "each split": found,
            "difference": {measure: gain.as_dict() for measure, gain in gains.items()},
        },
    )


def _write_why(page: Page, merge: Merge) -> None:
    page.heading("A second hospital: Shenzhen")
    page.text(
        "The publication merges two hospitals' sets, the second \"collected by Shenzhen Third "
        "People's Hospital\", to dilute errors of the labels. It does not say which set. A set of "
        "that hospital is public (Jaeger 2014, doi:10.3978/j.issn.2223-4292.2014.11.20; 326 normal "
        "and 336 with tuberculosis) and may be the one. Tuberculosis is not pneumonia, so only its "
        f"NORMAL images can be merged: here {len(merge.of_shenzhen(NORMAL))} of them with "
        f"Guangzhou's {int((~merge.pneumonia).sum()):,} NORMAL and "
        f"{int(merge.pneumonia.sum()):,} PNEUMONIA. "
        "But then **the source tells the class**: whatever is from Shenzhen is NORMAL, and the "
        "hospitals differ in machine, format (at hand squeezed to a square) and age (Guangzhou's "
        "are 1 to 5 years old)."
    )


def _verdict(gains: dict[str, Estimate]) -> str:
    """Say whether the merge teaches what is normal, or where an image is from."""
    sick, children = gains[TOLD], gains["AUROC, Guangzhou"]
    if sick.low is None or sick.high is None or children.low is None or children.high is None:
        return "Too few splits to say what the merge changes."
    first = "That the merge does this is not shown."
    if sick.low > 0:
        first = (
            "So the merge teaches where an image is from, and not only what a healthy lung looks "
            "like."
        )
    second = "On Guangzhou, a change in AUROC is not shown."
    if children.low > 0 or children.high < 0:
        second = f"On Guangzhou the AUROC changes by {signed(children, 4)}."
    return f"{first} {second}"
