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
SETS = 5  # of patients, each with seeds of its own
PATIENTS = 3  # of each course in a set
SET_SEEDS = 1000  # a set's first seed is a multiple of this
STEP = 0.1
LIMIT = 1.0  # per cent, above which the publication adds iterations
EXTRA = 100  # iterations added; the publication does not say how many
GUARD = 0.01  # in the symptom's unit; authors' public repository, their stabilisation program
# The text of the article; its tables are not in the version at hand.
FIGURE_11 = {"lower": "almost 290 (fever_duration)", "upper": "at most 6"}
# The authors' program run again, breathlessness: lower and upper bound, per cent.
PROGRAM = {10: (33.29, 6.83), 100: (0.65, 0.61)}
OVERALL = 97.08  # per cent; manuscript of March 2025, accuracy over all symptoms
_Array = NDArray[np.float64]
ARMS: Mapping[str, TrackingOptions] = {
    "published": PUBLISHED,
    "default": TrackingOptions(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """How the bounds moved from one iteration to the next.

    Attributes
    ----------
    percent : ndarray of float64, shape (sets, kinds, patients, symptoms, 2, iterations)
        Of the bound before, lower and upper, as `guarded` gives it.
    bare : ndarray of float64, of the same shape
        The same without the guard; NaN where the bound before was 0.
    share : ndarray of float64, of the same shape
        Of the clinical range, in per cent.
    """

    percent: _Array
    bare: _Array
    share: _Array


def _run(context: Context, page: Page) -> None:
    sets, patients = (2, 1) if context.smoke else (SETS, PATIENTS)
    seeds = ", ".join(str(SET_SEEDS * number) for number in range(sets))
    page.source(
        "patients",
        f"{sets} sets of {patients} made-up patients of each course, seeds from {seeds}",
    )
    page.text(
        "The publication calls its dynamic bounds stable because they move less and less, in per "
        "cent of the bound, over 10, 20, 30, 50 and 100 iterations. Here the seven steps run to "
        "the letter (`published`) and as this package does by default (`default`), on "
        f"{sets} sets of {patients} made-up patients of each course ({', '.join(CourseKind)}), "
        f"{sum(BLOCKS) + EXTRA} visits each, one iteration per visit. A figure is the median of "
        "the sets, with their least and greatest in parentheses."
    )
    moves = {name: _moves(options, sets, patients) for name, options in ARMS.items()}
    _write_program(page)
    _write_guard(page, moves["published"])
    for name, arm in moves.items():
        _write_table_11(page, name, arm)
    _write_table_12(page, moves["published"])
    page.figure("bounds", _plot(moves), "Mean change of the bounds per iteration, by symptom.")
    _write_courses(page, moves)
    page.heading("What the figure cannot show")
    page.text(
        "A change in per cent of the bound depends on where the scale begins: the same move is "
        "small for a temperature near 36 °C and large for a bound near 0. That alone makes "
        "fever value look the steadiest. And coming to rest is no merit by itself: bounds that "
        "rest on all visits (`published`) move less the more visits there are, and so are slow to "
        "follow a patient who changes late; bounds on the last ten (`default`) keep following."
    )


def guarded(moved: _Array, before: _Array) -> _Array:
    """Give a move in per cent of the bound before it, as the authors' program does.

    Parameters
    ----------
    moved, before : ndarray of float64, of one shape
        Size of the move and of the bound before it, in the symptom's unit.

    Returns
    -------
    ndarray of float64
        Of the bound and `GUARD` together; for a bound below `GUARD` a hundred times the move.
    """
    return np.where(before < GUARD, 100 * moved, 100 * moved / (before + GUARD))


def _moves(options: TrackingOptions, sets: int, patients: int) -> Moves:
    iterations = sum(BLOCKS) + EXTRA
    shape = (sets, len(CourseKind), patients, len(SYMPTOMS), 2, iterations)
    percent, bare, share = np.empty(shape), np.full(shape, np.nan), np.empty(shape)
    for group, k, n in np.ndindex(shape[:3]):
        kind, seed = tuple(CourseKind)[k], SET_SEEDS * group + n
        visits = make_course(kind, seed, visits=iterations + 1, missing=0).visits
        for s, symptom in enumerate(SYMPTOMS.values()):
            span = symptom.maximum - symptom.minimum
            values = np.array([visit.symptoms[symptom.name] for visit in visits])
            theta = (values - symptom.minimum) / span
            bounds = np.array([_ends(theta[:m], options) for m in range(1, len(theta) + 1)])
            moved = np.abs(np.diff(bounds, axis=0)).T
            before = np.abs(symptom.minimum + bounds[:-1] * span).T
            at = (group, k, n, s)
            share[at] = 100 * moved
            percent[at] = guarded(moved * span, before)
            np.divide(100 * moved * span, before, out=bare[at], where=before > 0)
    return Moves(percent, bare, share)


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


def _write_guard(page: Page, moves: Moves) -> None:
    symptom = list(SYMPTOMS).index("fever_duration")
    of_sets = {
        name: np.nanmean(percent[:, :, :, symptom, 0, _blocks()[-1]], axis=(1, 2, 3))
        for name, percent in (("with", moves.percent), ("without", moves.bare))
    }
    page.heading("A bound near 0")
    page.text(
        "A change in per cent of a bound near 0 has no limit. The authors' program therefore "
        f"divides by the bound and {GUARD:g} together, and takes the plain move (here times 100) "
        f"for a bound below {GUARD:g} (authors' public repository). So do the tables below. For "
        "the lower bound of fever duration at 100, steps `published`, the mean change is "
        f"{_spread(of_sets['with'])} per cent with this guard and {_spread(of_sets['without'])} "
        "per cent without it."
    )
    page.values("guard", {name: values.tolist() for name, values in of_sets.items()})


def factors(initial: float, final: float) -> dict[str, float]:
    """Give both published stabilisation factors, 0..1.

    Parameters
    ----------
    initial, final : float
        Mean changes of the bounds at 10 and at 100 iterations, in per cent, `initial` above 0.

    Returns
    -------
    dict of str to float
        ``program``: max(0.4, 1 - final / initial), authors' public repository; ``manuscript``:
        max(0.5, exp(-final / initial)), manuscript of March 2025.
    """
    ratio = final / initial
    return {"program": max(0.4, 1 - ratio), "manuscript": max(0.5, float(np.exp(-ratio)))}


def _write_table_11(page: Page, name: str, moves: Moves) -> None:
    page.heading(f"Table 11, measured: {name}")
    if name == "published":
        page.published_text(
            "The article's own Tables 11 and 12 are not in the version at hand. Of Figure 11 the "
            f"text says: lower bound at 10 {FIGURE_11['lower']} per cent, upper bounds "
            f"{FIGURE_11['upper']} per cent."
        )
    page.text("Mean change per iteration in per cent of the bound.")
    measured = {symptom: _ends_of(moves, s) for s, symptom in enumerate(SYMPTOMS)}
    rows = []
    for symptom, found in measured.items():
        cells = [_spread(found[:, side, at]) for side in (0, 1) for at in (0, 1)]
        final, further = found[:, :, 1].mean(axis=1), found[:, :, 2].mean(axis=1)
        above = final > LIMIT
        extra = _spread(further[above]) if above.any() else "not needed"
        rest = f"; at rest in {int((further[above] <= LIMIT).sum())}" if above.any() else ""
        rows.append([symptom, *cells, f"{int(above.sum())} of {len(above)}", f"{extra}{rest}"])
    header = ["symptom", "lower, 10", "lower, 100", "upper, 10", "upper, 100"]
    page.table([*header, f"sets above {LIMIT:g}% at 100", f"these after {EXTRA} more"], rows)
    _write_accuracy(page, name, measured)


def _ends_of(moves: Moves, symptom: int) -> _Array:
    """Mean change at 10, at 100 and in the extra iterations; shape (sets, 2, 3)."""
    blocks = (_blocks()[0], _blocks()[-1], slice(sum(BLOCKS), None))
    one = moves.percent[:, :, :, symptom]
    return np.stack([one[..., block].mean(axis=(1, 2, 4)) for block in blocks], axis=-1)


def _write_accuracy(page: Page, name: str, measured: Mapping[str, _Array]) -> None:
    """F and the stabilisation accuracy by both factors, for each symptom and over all."""
    page.text(
        "F is the reduction from 10 to 100 iterations, SF the stabilisation factor, accuracy F x "
        "SF. The program's SF is max(0.4, 1 - final/initial); the manuscript of March 2025 has "
        "max(0.5, exp(-final/initial))."
    )
    rows, values = [], {}
    accuracies: dict[str, list[list[float]]] = {"program": [], "manuscript": []}
    for symptom, found in measured.items():
        means = found.mean(axis=1)[:, :2].tolist()
        reductions = np.array([100 * (first - last) / first for first, last in means])
        both = [factors(first, last) for first, last in means]
        cells = [_spread(reductions)]
        for kind, kept in accuracies.items():
            factor = np.array([one[kind] for one in both])
            kept.append((reductions * factor).tolist())
            cells += [_spread(factor), _spread(reductions * factor)]
        rows.append([symptom, *cells])
        values[symptom] = {
            "percent": found.tolist(),
            "accuracy": {kind: kept[-1] for kind, kept in accuracies.items()},
        }
    overall = {kind: np.mean(kept, axis=0) for kind, kept in accuracies.items()}
    rows.append(["mean", "", "", _spread(overall["program"]), "", _spread(overall["manuscript"])])
    header = ["symptom", "F, %", "SF, program", "accuracy", "SF, manuscript", "accuracy"]
    page.table(header, rows)
    if name == "published":
        page.published_text(f"The manuscript gives an overall accuracy of {OVERALL}%.")
    page.values(f"table_11_{name}", values)
    page.values(f"overall_{name}", {kind: means.tolist() for kind, means in overall.items()})


def _spread(values: _Array) -> str:
    """Median of the sets with their range, two decimals, or powers of ten where it is huge."""
    shown = [float(np.median(values)), float(values.min()), float(values.max())]
    middle, low, high = (f"{one:.2f}" if abs(one) < 1e5 else f"{one:.1e}" for one in shown)
    return f"{middle} ({low} to {high})"


def _write_table_12(page: Page, moves: Moves) -> None:
    page.heading("Table 12, measured: published")
    page.text(
        "Standard deviation of the change in per cent, lower / upper bound; medians of the sets."
    )
    rows, values = [], {}
    for s, symptom in enumerate(SYMPTOMS):
        of_sets = np.array(
            [moves.percent[:, :, :, s, :, block].std(axis=(1, 2, 4)) for block in _blocks()]
        )
        values[symptom] = of_sets.tolist()
        middle = np.median(of_sets, axis=1)
        rows.append([symptom, *(f"{low:.2f} / {high:.2f}" for low, high in middle)])
    page.table(["symptom", *map(str, BLOCKS)], rows)
    page.values("table_12", values)


def _write_courses(page: Page, moves: Mapping[str, Moves]) -> None:
    page.heading("By course")
    page.text(
        "Mean change of both bounds per iteration, in per cent of the clinical range, which has "
        "no such trouble near 0."
    )
    rows, values = [], {}
    for name, arm in moves.items():
        for k, kind in enumerate(CourseKind):
            means = [float(arm.share[:, k, ..., block].mean()) for block in _blocks()]
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
                means = [arm.percent[:, :, :, s, side, block].mean() for block in _blocks()]
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
    cost="three minutes on one core",
    run=_run,
)
