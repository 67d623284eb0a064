"""How much of the class does the outline of a lung mask tell, as it is and moved at random?

Of the radiographs that lie in FOLDER/rsna and FOLDER/nih-graded whole and in FOLDER/rsna-lungs cut
down to a network's mask, outlines alone (masks reduced to 16 x 16 cells) are given to a logistic
regression. It is fitted to one half of the patients and asked about the other, and the other way
round. Prints the area under the ROC curve for one class against the rest, with 95% intervals over
patients, and what the changes cost.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pneumoscope.imaging import read_radiograph, reduce_by_area
from pneumoscope.inference import packaged_lung_fields
from pneumoscope.lab.datasets import mend, only_lungs, random_outline
from pneumoscope.lab.lungs.examples import Example, masked_radiographs
from pneumoscope.metrics import bootstrap

SOURCES = ("rsna", "nih-graded")
SIDE, CELLS = 192, 16
DRAWS = 4  # outlines of each radiograph that the regression is fitted to
REPEATS = 300  # for the time of a change


def cut_out(example: Example) -> np.ndarray:
    assert example.mask is not None
    return reduce_by_area(read_radiograph(example.mask).pixels, SIDE)


def found(example: Example) -> np.ndarray:
    mask = packaged_lung_fields().find(example.pixels()).mask
    resized = cv2.resize(mask.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return resized > 0


def cells(mask: np.ndarray) -> np.ndarray:
    small = cv2.resize(mask.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return small.ravel()


def framed(mask: np.ndarray) -> np.ndarray:
    """Cut to the lungs: their place and size on the picture no longer count."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return mask[y : y + height, x : x + width] if width else mask


def scores(masks: list[np.ndarray], draw: Callable, truth: np.ndarray, half: np.ndarray):
    """Score every radiograph by the regression that was fitted to the other half."""
    from sklearn.linear_model import LogisticRegression

    rows = [np.array([cells(draw(mask)) for mask in masks]) for _ in range(DRAWS)]
    given = np.empty(len(masks))
    for part in (True, False):
        fitted = half == part
        regression = LogisticRegression(C=0.05, max_iter=2000)
        regression.fit(np.concatenate([r[fitted] for r in rows]), np.tile(truth[fitted], DRAWS))
        given[~fitted] = regression.decision_function(rows[0][~fitted])
    return given


def auroc(truth: np.ndarray, given: np.ndarray, patients: np.ndarray) -> str:
    from sklearn.metrics import roc_auc_score

    def each(weights: np.ndarray) -> np.ndarray:
        return np.array([roc_auc_score(truth, given, sample_weight=w) for w in weights])

    drawn = bootstrap({"auroc": each}, patients.tolist(), resamples=300)["auroc"]
    return f"{drawn.value:.3f} ({drawn.low:.3f} to {drawn.high:.3f})"


def milliseconds(change: Callable[[int], object]) -> float:
    began = time.process_time()
    for number in range(REPEATS):
        change(number)
    return (time.process_time() - began) / REPEATS * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    examples = [e for e in masked_radiographs(given.data) if e.source in SOURCES]
    patients = np.array([e.image.patient_id for e in examples])
    names = np.unique(patients)
    first = set(np.random.default_rng(0).permutation(names)[: len(names) // 2].tolist())
    half = np.array([patient in first for patient in patients])
    cut = [cut_out(e) for e in examples]
    ours = [found(e) for e in examples]
    print(f"{len(examples)} radiographs of {len(names)} patients")
    rng = np.random.default_rng(0)

    def moved(mask: np.ndarray) -> np.ndarray:
        return random_outline(mask, rng)

    def same(mask: np.ndarray) -> np.ndarray:
        return mask

    def after(draw: Callable, mask: np.ndarray) -> np.ndarray:
        return framed(draw(mask))

    outlines = {
        "cut-out, as it is": ([grey > 12 for grey in cut], same),
        "cut-out, mended": ([mend(grey)[1] for grey in cut], same),
        "cut-out, mended and moved": ([mend(grey)[1] for grey in cut], moved),
        "segmenter, as it is": (ours, same),
        "segmenter, moved": (ours, moved),
    }
    outlines |= {
        f"{name}, place and size taken away": (masks, partial(after, draw))
        for name, (masks, draw) in outlines.items()
    }
    views = np.array([e.image.extra["view"] for e in examples])
    groups = {"both views": views != "", "AP": views == "AP", "PA": views == "PA"}
    for label in ("PNEUMONIA", "NORMAL"):
        truth = np.array([e.image.label == label for e in examples])
        ap = (views == "AP") == (label == "PNEUMONIA")
        print(f"{label}, the view alone: {auroc(truth, ap, patients)}")
        for name, (masks, draw) in outlines.items():
            found_scores = scores(masks, draw, truth, half)
            told = [
                f"{group} {auroc(truth[rows], found_scores[rows], patients[rows])}"
                for group, rows in groups.items()
            ]
            print(f"{label}, {name}: {', '.join(told)}")
    some = [(cut[i % len(cut)], ours[i % len(ours)]) for i in range(REPEATS)]
    print(f"only_lungs {milliseconds(lambda i: only_lungs(*some[i], rng)):.2f} ms")
    print(f"mend {milliseconds(lambda i: mend(some[i][0])):.2f} ms")


if __name__ == "__main__":
    main()
