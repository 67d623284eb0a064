"""Baral 2025, Figure 12: what the image's confidence changes in the severity."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.findings import Assessment, PatientContext, SeverityLevel
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.severity import (
    LEVELS,
    SYMPTOMS,
    Evaluation,
    RuleBase,
    assess,
    evaluate,
    load_rule_base,
)
from pneumoscope.synthetic import CourseKind, make_course

CASES, SEED = 300, 2025
CONFIDENCE = 0.248  # the image's share in the authors' script
_SHARES: Mapping[str, tuple[float, float]] = {
    "low": (0.0, 0.3),
    "middle": (0.3, 0.7),
    "high": (0.7, 1.0),
}
ADULT = PatientContext(54)
# Where the script draws in units of its own.
_DRAWN: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "fever_value": {"low": (35.0, 37.4), "middle": (37.5, 38.9), "high": (39.0, 42.0)},
    "fever_duration": {"low": (0.0, 3.0), "middle": (3.1, 6.0), "high": (6.0, 10.0)},
    "oxygen_level": {"low": (80.0, 85.0), "middle": (86.0, 95.0), "high": (96.0, 100.0)},
}
# One theta within each set, and one that belongs to none: rules can tell no more apart.
_STATES = (0.05, 0.3, 0.5, 0.95)
_CHUNK = 1 << 16
_IMAGES: Sequence[Mapping[str, float]] = (
    {"NORMAL": 0.05, "ABNORMAL": 0.05, "PNEUMONIA": 0.90},
    {"NORMAL": 0.90, "ABNORMAL": 0.05, "PNEUMONIA": 0.05},
)


def _run(context: Context, page: Page) -> None:
    base = load_rule_base("baral2025")
    cases = draw_cases(base, CASES, SEED)
    page.source("cases", f"{CASES} drawn with seed {SEED}")
    page.text(
        "Baral 2025 gives the image's confidence a share in the severity, to settle borderline "
        "cases (two best levels within 2 points), and shows for 300 cases how it moves the points "
        "of each level (Figure 12). Here the same cases are drawn by the rules of the published "
        f"base, {CASES // len(LEVELS)} to fit each level, and scored without the image, with the "
        f"script's confidence of {CONFIDENCE}, and with the largest that there is, 1."
    )
    _write_cases(page, base, cases)
    _write_proof(page, base, thinned=context.smoke)
    _write_guideline(page, base, cases)
    _write_published(page, base, cases)


def draw_cases(base: RuleBase, count: int, seed: int) -> NDArray[np.float64]:
    """Draw symptoms that fit each level in turn, as the authors' script does.

    Parameters
    ----------
    base : RuleBase
    count : int
        Cases; the levels take turns.
    seed : int

    Returns
    -------
    ndarray of float64, shape (cases, inputs)
        In the symptoms' units. Inputs of no rule of the level are uniform over their range; where
        two rules name one input, the later one decides.
    """
    rng = np.random.default_rng(seed)
    names = list(base.inputs)
    rows = np.array([[rng.uniform(*base.inputs[name]) for name in names] for _ in range(count)])
    for case, row in enumerate(rows):
        level = LEVELS[case % len(LEVELS)]
        for rule in base.rules:
            if rule.level is level:
                for condition in rule.when:
                    ends = _ends(base, condition.symptom, condition.term)
                    row[names.index(condition.symptom)] = rng.uniform(*ends)
    return rows


def _ends(base: RuleBase, symptom: str, term: str) -> tuple[float, float]:
    if symptom in _DRAWN:
        return _DRAWN[symptom][term]
    low, high = base.inputs[symptom]
    share = _SHARES[term]
    return low + share[0] * (high - low), low + share[1] * (high - low)


def _write_cases(page: Page, base: RuleBase, cases: NDArray[np.float64]) -> None:
    without = evaluate(base, cases)
    rows = []
    figures: dict[str, object] = {}
    for share in (CONFIDENCE, 1.0):
        found = evaluate(base, cases, share)
        changed = int((found.winner != without.winner).sum())
        moved = (found.adjusted - without.adjusted).max()
        rows.append([f"{share:g}", str(int(found.borderline.sum())), str(changed), f"{moved:.3f}"])
        figures[f"{share:g}"] = {
            "borderline": int(found.borderline.sum()),
            "changed": changed,
            "largest_change_of_points": float(moved),
        }
    counts = {level.value: int((without.winner == k).sum()) for k, level in enumerate(LEVELS)}
    page.heading(f"{CASES} cases (Figure 12)")
    page.text(
        "Levels given without the image: "
        + ", ".join(f"{count} {level}" for level, count in counts.items())
        + ". They were drawn to be equally many: the published base does not find its own levels "
        "again."
    )
    page.table(
        ["image's confidence", "borderline", "level changed", "largest change of points"], rows
    )
    page.figure(
        "points",
        _plot(without, evaluate(base, cases, CONFIDENCE)),
        f"Points with the image (confidence {CONFIDENCE}) minus points without, per level. "
        "Borderline cases are marked.",
    )
    page.values("cases", {"levels": counts, "by_confidence": figures})


def _plot(without: Evaluation, found: Evaluation) -> Figure:
    figure = Figure(figsize=(9, 6))
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    case = np.arange(len(without.winner))
    for axis, k in zip(axes.flat, reversed(range(len(LEVELS))), strict=True):
        difference = found.adjusted[:, k] - without.adjusted[:, k]
        axis.plot(case, difference, color="#1f5a91", linewidth=0.7)
        axis.plot(
            case[found.borderline],
            difference[found.borderline],
            "o",
            markersize=3,
            color="#b3541e",
            label="borderline",
        )
        axis.set_title(LEVELS[k].value)
        axis.grid(alpha=0.3)
    axes[0, 0].legend()
    for axis in axes[1]:
        axis.set_xlabel("case")
    for axis in axes[:, 0]:
        axis.set_ylabel("points, with minus without")
    return figure


def _write_proof(page: Page, base: RuleBase, *, thinned: bool) -> None:
    states = changed = ties = resolved = 0
    for rows in _space(base, thinned=thinned):
        without, found = evaluate(base, rows), evaluate(base, rows, 1.0)
        tied, still = _tied(without.scores), _tied(found.adjusted)
        states += len(rows)
        changed += int((without.winner != found.winner).sum())
        ties += int(tied.sum())
        resolved += int((tied & ~still).sum())
    page.heading("The level never changes")
    page.text(
        "With points s of a level, the sum T over the levels and the confidence c, the image adds "
        "s / T * c. So each level's points become s * (1 + c / T): all are multiplied by the same "
        "number above 0, so their order, and every tie, stays whatever c is. And over the whole "
        "input space: a rule can only ask whether an input is low, middle, high or none of them, "
        f"which makes 4^11 = {4**11:,} states."
    )
    page.table(
        ["states tried", "level changed by c = 1", "ties of the best levels", "ties resolved"],
        [[f"{states:,}", str(changed), f"{ties:,}", str(resolved)]],
    )
    page.values("space", {"states": states, "changed": changed, "ties": ties, "resolved": resolved})


def _space(base: RuleBase, *, thinned: bool) -> Iterator[NDArray[np.float64]]:
    """Every state of the inputs, or for a smoke run every 4096th."""
    ends = np.array(list(base.inputs.values()))
    every = itertools.product(_STATES, repeat=len(ends))
    chosen = itertools.islice(every, 0, None, 4096 if thinned else 1)
    while rows := list(itertools.islice(chosen, _CHUNK)):
        yield ends[:, 0] + np.array(rows) * (ends[:, 1] - ends[:, 0])


def _tied(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    ordered = np.sort(points, axis=1)
    return np.isclose(ordered[:, -1], ordered[:, -2], rtol=0, atol=1e-9)


def _write_guideline(page: Page, base: RuleBase, cases: NDArray[np.float64]) -> None:
    page.heading("The rule base `guideline`")
    page.text(
        f"As adults of {ADULT.age:g}, with an image of given probabilities beside none: the cases "
        f"above, which are far sicker than patients are, and {CASES} visits of made-up patients "
        "with known courses."
    )
    drawn = [dict(zip(base.inputs, map(float, row), strict=True)) for row in cases]
    rows: list[list[str]] = []
    figures: dict[str, object] = {}
    for name, patients in (("drawn", drawn), ("made-up courses", _visits(CASES))):
        without = _guideline_levels(patients, None)
        counts = ", ".join(f"{without.count(level)} {level}" for level in LEVELS)
        for image in _IMAGES:
            given = _guideline_levels(patients, image)
            rises = [LEVELS.index(b) - LEVELS.index(a) for a, b in zip(without, given, strict=True)]
            raised, lowered = sum(r > 0 for r in rises), sum(r < 0 for r in rises)
            shown = f"P(PNEUMONIA) {image['PNEUMONIA']:g}"
            rows.append([name, counts, shown, str(raised), str(lowered)])
            figures[f"{name}, {shown}"] = {"raised": raised, "lowered": lowered}
    page.table(["cases", "without an image", "image", "level raised", "level lowered"], rows)
    page.values("guideline", figures)


def _visits(count: int) -> list[Mapping[str, float]]:
    """Take one visit of each of many made-up patients, all courses alike."""
    kinds = tuple(CourseKind)
    courses = [make_course(kinds[n % len(kinds)], n, missing=0) for n in range(count)]
    return [course.visits[n % len(course.visits)].symptoms for n, course in enumerate(courses)]


def _guideline_levels(
    patients: Sequence[Mapping[str, float]], image: Mapping[str, float] | None
) -> list[SeverityLevel]:
    # Only a rule base with the image as an input of its own takes probabilities and the age.
    score: Callable[..., Assessment] = partial(assess, rule_base="guideline")
    return [score(symptoms, probabilities=image, patient=ADULT).level for symptoms in patients]


def _write_published(page: Page, base: RuleBase, cases: NDArray[np.float64]) -> None:
    found = evaluate(base, cases, CONFIDENCE)
    mean = (found.adjusted - found.scores).mean(axis=0)
    page.heading("What the publication says")
    page.text(
        'Figure 12 is described, not tabled: "the scores for Negligible and Severe are mostly '
        'unchanged ... Moderate and Mild show significant and frequent changes". Measured, the '
        "share follows the points: whichever level has more of them gets more."
    )
    page.table(
        ["level", "mean points", "mean change by the image"],
        [
            [level.value, f"{found.scores[:, k].mean():.1f}", f"{mean[k]:.3f}"]
            for k, level in reversed(list(enumerate(LEVELS)))
        ],
    )
    page.values("by_level", dict(zip(LEVELS, map(float, mean), strict=True)))


STUDY = Study(
    name="baral2025-influence",
    title="Baral 2025: what the image's confidence changes in the severity",
    reaches=f"Figure 12 on {CASES} drawn cases; all {len(_STATES) ** len(SYMPTOMS):,} input states",
    cost="15 seconds on one core",
    run=_run,
)
