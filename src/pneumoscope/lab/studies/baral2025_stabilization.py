"""Baral 2025, Tables 11 and 12, Figure 11: whether the personal bounds come to rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.severity import SYMPTOMS
from pneumoscope.synthetic import CourseKind, make_course
from pneumoscope.tracking import PUBLISHED, TrackingOptions, adjusted_range, widen

BLOCKS = (10, 20, 30, 50, 100)
PATIENTS = 8  # of each course
STEP = 0.1
LIMIT = 1.0  # per cent, above which the publication adds iterations
# The text of the article; its tables are not in the version at hand.
FIGURE_11 = {"lower": "almost 290 (fever_duration)", "upper": "at most 6"}
# The authors' program run again, breathlessness: lower and upper bound, per cent.
PROGRAM = {10: (33.29, 6.83), 100: (0.65, 0.61)}
ARMS: Mapping[str, TrackingOptions] = {
    "published": PUBLISHED,
    "default": TrackingOptions(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """How the bounds moved, per kind of course.

    Attributes
    ----------
    percent : ndarray of float64, shape (kinds, patients, symptoms, 2, iterations)
        Of the bound before, lower and upper; NaN where that was 0.
    share : ndarray of float64, of the same shape
        Of the clinical range, in per cent.
    """

    percent: NDArray[np.float64]
    share: NDArray[np.float64]


def _run(context: Context, page: Page) -> None:
    patients = 1 if context.smoke else PATIENTS
    page.source("patients", f"{patients} made-up patients of each course, seeds from 0")
    page.text(
        "The publication calls its dynamic bounds stable because they move less and less, in per "
        "cent of the bound, over 10, 20, 30, 50 and 100 iterations. Here the seven steps run to "
        "the letter (`published`) and as this package does by default (`default`), on "
        f"{patients} made-up patients of each course ({', '.join(CourseKind)}), "
        f"{sum(BLOCKS)} visits each, one iteration per visit."
    )
    moves = {name: _moves(options, patients) for name, options in ARMS.items()}
    _write_program(page)
    for name, arm in moves.items():
        _write_table_11(page, name, arm)
    _write_table_12(page, moves["published"])
    page.figure("bounds", _plot(moves), "Mean change of the bounds per iteration, by symptom.")
    _write_courses(page, moves)
    page.heading("What the figure cannot show")
    page.text(
        "A change in per cent of the bound depends on where the scale begins: the same move is "
        "small for a temperature near 36 °C and without limit for a bound near 0. That alone makes "
        "fever value look the steadiest. And coming to rest is no merit by itself: bounds that "
        "rest on all visits (`published`) move less the more visits there are, and so are slow to "
        "follow a patient who changes late; bounds on the last ten (`default`) keep following."
    )


def _moves(options: TrackingOptions, patients: int) -> Moves:
    shape = (len(CourseKind), patients, len(SYMPTOMS), 2, sum(BLOCKS))
    percent, share = np.full(shape, np.nan), np.full(shape, np.nan)
    for k, kind in enumerate(CourseKind):
        for seed in range(patients):
            visits = make_course(kind, seed, visits=sum(BLOCKS) + 1, missing=0).visits
            for s, symptom in enumerate(SYMPTOMS.values()):
                span = symptom.maximum - symptom.minimum
                values = np.array([visit.symptoms[symptom.name] for visit in visits])
                theta = (values - symptom.minimum) / span
                bounds = np.array([_ends(theta[:n], options) for n in range(1, len(theta) + 1)])
                moved = np.abs(np.diff(bounds, axis=0)).T
                before = np.abs(symptom.minimum + bounds[:-1] * span).T
                share[k, seed, s] = 100 * moved
                np.divide(100 * moved * span, before, out=percent[k, seed, s], where=before > 0)
    return Moves(percent, share)


def _ends(theta: NDArray[np.float64], options: TrackingOptions) -> tuple[float, float]:
    steps = adjusted_range(theta, options)
    return widen(float(steps[0]), float(steps[-1]), options.minimum_width)


def _blocks() -> list[slice]:
    """The iterations of each step, one after the other on one history, as the script runs them."""
    return [slice(a, b) for a, b in pairwise(np.concatenate([[0], np.cumsum(BLOCKS)]).tolist())]


def _write_program(page: Page) -> None:
    blocks = _blocks()
    measured = {block: _constant_step(blocks[BLOCKS.index(block)]) for block in (10, 100)}
    page.heading("The authors' program")
    page.text(
        f"It widens each bound by {STEP:g} a step and never uses the adjusted range, so its "
        '"stabilisation" is the shrinking share of a constant step in a growing number: the '
        "column on the right is that arithmetic alone, for bounds that start at 0 and 1, with no "
        "patient in it. Its last block meets the program's figures to the second decimal."
    )
    rows = [
        [
            str(block),
            f"{PROGRAM[block][0]} / {PROGRAM[block][1]}",
            f"{measured[block][0]:.2f} / {measured[block][1]:.2f}",
        ]
        for block in (10, 100)
    ]
    page.table(
        ["iterations", "program run again, lower / upper, %", "constant step, lower / upper, %"],
        rows,
    )
    page.values("constant_step", {str(block): list(pair) for block, pair in measured.items()})


def _constant_step(block: slice) -> tuple[float, float]:
    step = np.arange(block.start, block.stop)
    lower = STEP * step[step > 0]  # a bound at 0 has no relative change
    return float(np.mean(100 * STEP / lower)), float(np.mean(100 * STEP / (1 + STEP * step)))


def _write_table_11(page: Page, name: str, moves: Moves) -> None:
    first, last = _blocks()[0], _blocks()[-1]
    rows, values = [], {}
    for s, symptom in enumerate(SYMPTOMS):
        ends = [
            [float(np.nanmean(moves.percent[:, :, s, side, block])) for block in (first, last)]
            for side in (0, 1)
        ]
        initial, final = np.mean(ends, axis=0).tolist()
        factor = max(0.4, 1 - final / initial)
        reduction = 100 * (initial - final) / initial
        values[symptom] = {"lower": ends[0], "upper": ends[1], "accuracy": reduction * factor}
        cells = [f"{ends[side][at]:.2f}" for side in (0, 1) for at in (0, 1)]
        numbers = [f"{reduction:.1f}", f"{factor:.2f}", f"{reduction * factor:.1f}"]
        rows.append([symptom, *cells, *numbers, "yes" if final > LIMIT else "no"])
    page.heading(f"Table 11, measured: {name}")
    if name == "published":
        page.text(
            "The article's own Tables 11 and 12 are not in the version at hand. Of Figure 11 the "
            f"text says: lower bound at 10 {FIGURE_11['lower']} per cent, upper bounds "
            f"{FIGURE_11['upper']} per cent. Mean change per iteration in per cent of the bound; "
            "F reduction, SF stabilisation factor, accuracy F x SF."
        )
    header = ["symptom", "lower, 10", "lower, 100", "upper, 10", "upper, 100", "F, %", "SF"]
    page.table([*header, "accuracy", f"above {LIMIT:g}% at 100"], rows)
    page.values(f"table_11_{name}", values)


def _write_table_12(page: Page, moves: Moves) -> None:
    page.heading("Table 12, measured: published")
    page.text("Standard deviation of the change in per cent, lower / upper bound.")
    rows = []
    for s, symptom in enumerate(SYMPTOMS):
        spread = [
            [np.nanstd(moves.percent[:, :, s, side, block]) for side in (0, 1)]
            for block in _blocks()
        ]
        rows.append([symptom, *(f"{low:.2f} / {high:.2f}" for low, high in spread)])
    page.table(["symptom", *map(str, BLOCKS)], rows)


def _write_courses(page: Page, moves: Mapping[str, Moves]) -> None:
    page.heading("By course")
    page.text(
        "Mean change of both bounds per iteration, in per cent of the clinical range, which has "
        "no such trouble near 0."
    )
    rows, values = [], {}
    for name, arm in moves.items():
        for k, kind in enumerate(CourseKind):
            means = [float(np.nanmean(arm.share[k][..., block])) for block in _blocks()]
            rows.append([name, kind.value, *(f"{mean:.2f}" for mean in means)])
            values[f"{name}, {kind}"] = means
    page.table(["steps", "course", *map(str, BLOCKS)], rows)
    page.values("by_course", values)


def _plot(moves: Mapping[str, Moves]) -> Figure:
    figure = Figure(figsize=(10, 7))
    axes = figure.subplots(2, 2, sharex=True)
    for row, (name, arm) in zip(axes, moves.items(), strict=True):
        for side, axis in enumerate(row):
            for s, symptom in enumerate(SYMPTOMS):
                means = [np.nanmean(arm.percent[:, :, s, side, block]) for block in _blocks()]
                style = "-" if s < 6 else "--"
                axis.plot(BLOCKS, means, style, marker="o", markersize=3, label=symptom)
            axis.set_title(f"{name}: {('lower', 'upper')[side]} bound")
            axis.set_yscale("symlog", linthresh=0.1)
            axis.set_xticks(BLOCKS)
            axis.grid(alpha=0.3)
        row[0].set_ylabel("change per iteration, % of the bound")
    for axis in axes[1]:
        axis.set_xlabel("iterations")
    axes[0, 1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.02, 0))
    return figure


STUDY = Study(
    name="baral2025-stabilization",
    title="Baral 2025: do the personal bounds come to rest?",
    reaches="Tables 11 and 12 and Figure 11, on made-up patients with known courses",
    cost="half a minute on one core",
    run=_run,
)
