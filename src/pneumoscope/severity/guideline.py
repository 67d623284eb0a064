"""One patient by the `guideline` rules: level, interval, what moved it, what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from pneumoscope.findings import (
    Assessment,
    Bounds,
    GradedInput,
    ImageEffect,
    Influence,
    LevelInterval,
    PatientContext,
    PersonalView,
    SeverityLevel,
    TurningPoint,
)
from pneumoscope.severity.fuzzy import Array
from pneumoscope.severity.guideline_base import (
    GUIDELINE,
    TOLERANCE,
    GuidelineBase,
    guideline_for,
)
from pneumoscope.severity.guideline_engine import (
    GRADED,
    GuidelineEvaluation,
    evaluate_guideline,
)
from pneumoscope.severity.guideline_trace import explain_guideline, fired_rules
from pneumoscope.severity.inputs import HYPERCAPNIC_TARGET, INPUTS, check_inputs
from pneumoscope.severity.personal import rescale
from pneumoscope.severity.scores import ILLNESSES, bedside_scores, compare
from pneumoscope.severity.symptoms import SEVERITY_SCALE, SYMPTOMS, YES_NO

LEVELS = tuple(SeverityLevel)
PNEUMONIA, ABNORMAL = "PNEUMONIA", "ABNORMAL"
_IMAGE = ("image_pneumonia", "image_finding")

# How finely each unit is read at the bedside.
_STEPS = {SEVERITY_SCALE: 0.05, "°C": 0.1, "mmol/L": 0.1, YES_NO: 1.0}


@dataclass(frozen=True, slots=True)
class Case:
    """One patient as the rules see the patient: values by name, those of the image apart."""

    base: GuidelineBase
    known: Mapping[str, float]
    image: Mapping[str, float]

    def row(self, changes: Mapping[str, float] | None = None, *, with_image: bool = True) -> Array:
        """Give the values in the order of `base.measured`, NaN where there is none."""
        values = {**self.known, **(self.image if with_image else {}), **(changes or {})}
        return np.array([values.get(name, np.nan) for name in self.base.measured])

    def evaluate(self, *rows: Array) -> GuidelineEvaluation:
        """Evaluate rows of values."""
        return evaluate_guideline(self.base, np.stack(rows))


def assess_guideline(
    symptoms: Mapping[str, float],
    *,
    probabilities: Mapping[str, float] | None,
    bounds: Bounds | None,
    patient: PatientContext,
) -> Assessment:
    """Assess one patient by the guidelines' rules; see `assess`."""
    inputs = check_inputs(symptoms)
    base = guideline_for(patient.age, hypercapnic=inputs.get(HYPERCAPNIC_TARGET) == 1)
    if "comorbidity" in base.measured and any(inputs.get(name) for name in ILLNESSES):
        inputs.setdefault("comorbidity", 1.0)
    case = Case(base, {**inputs, "age": float(patient.age or 0)}, _image(probabilities))
    both = case.evaluate(case.row(), case.row(with_image=False))
    level, score = LEVELS[both.level[0]], float(both.score[0])
    interval = _interval(case)
    image = _image_effect(both) if case.image else None
    bedside = tuple(
        compare(result, level, most=interval.most)
        for result in bedside_scores(case.known, sex=patient.sex)
    )
    assessment = Assessment(
        rule_base=GUIDELINE,
        level=level,
        score=score,
        scores=_truths(both, 1),
        adjusted=_truths(both, 0),
        borderline=base.near_a_cut(score) or interval.is_open,
        fired=fired_rules(case.base, {**case.known, **case.image}, both),
        interval=interval,
        image=image,
        influences=_influences(case, score),
        turning_points=_turning_points(case, level),
        inputs=_graded(case, both),
        bedside=bedside,
        personal=None if bounds is None else _personal(case, bounds),
    )
    return explain_guideline(base, case.known, assessment, _alone(case, interval))


def _image(probabilities: Mapping[str, float] | None) -> dict[str, float]:
    if probabilities is None or PNEUMONIA not in probabilities:
        return {}
    for name, value in probabilities.items():
        if not 0 <= value <= 1:
            raise ValueError(f"probability {value} of {name} is outside 0..1")
    pneumonia = float(probabilities[PNEUMONIA])
    finding = min(1.0, pneumonia + float(probabilities.get(ABNORMAL, 0.0)))
    return dict(zip(_IMAGE, (pneumonia, finding), strict=True))


def _truths(evaluation: GuidelineEvaluation, row: int) -> dict[SeverityLevel, float]:
    graded = map(float, evaluation.at_least[row])
    return {SeverityLevel.NEGLIGIBLE: 1.0, **dict(zip(GRADED, graded, strict=True))}


def _interval(case: Case) -> LevelInterval:
    """Take the best and the worst of what is missing; of what counts at both ends, of either.

    A missing value fires no rule, as a healthy one: the given values alone are the best case.
    """
    missing = [name for name in case.base.core if name not in case.known]
    worst = product(*([(name, value) for value in case.base.worst(name)] for name in missing))
    result = case.evaluate(case.row(), *(case.row(dict(ends)) for ends in worst))
    return LevelInterval(
        least=LEVELS[result.level[0]],
        most=LEVELS[result.level.max()],
        least_score=float(result.score[0]),
        most_score=float(result.score.max()),
        missing=tuple(missing),
    )


def _alone(case: Case, interval: LevelInterval) -> dict[str, SeverityLevel]:
    """Say which missing value alone could raise the level, and to what, the worst first."""
    ends = [(name, value) for name in interval.missing for value in case.base.worst(name)]
    if not interval.is_open:
        return {}
    found = case.evaluate(*(case.row(dict([end])) for end in ends)).level
    least, raised = LEVELS.index(interval.least), dict.fromkeys(interval.missing, 0)
    for (name, _), level in zip(ends, found, strict=True):
        raised[name] = max(raised[name], int(level))
    worst_first = sorted(raised.items(), key=lambda one: -one[1])
    return {name: LEVELS[level] for name, level in worst_first if level > least}


def _image_effect(both: GuidelineEvaluation) -> ImageEffect:
    return ImageEffect(
        level_without=LEVELS[both.level[1]],
        level_with=LEVELS[both.level[0]],
        score_without=float(both.score[1]),
        score_with=float(both.score[0]),
    )


def _influences(case: Case, score: float) -> tuple[Influence, ...]:
    """Move one value at a time to its normal one."""
    names = [name for name in case.base.measured if name in case.known]
    rows = [case.row({name: case.base.healthy(name)}) for name in names]
    result = case.evaluate(case.row(), *rows)
    found = [
        Influence(
            name=name,
            value=case.known[name],
            healthy=case.base.healthy(name),
            change=score - float(result.score[i]),
            level_without=LEVELS[result.level[i]],
        )
        for i, name in enumerate(names, start=1)
        if score - result.score[i] > TOLERANCE
    ]
    return tuple(sorted(found, key=lambda one: -one.change))


def _turning_points(case: Case, level: SeverityLevel) -> tuple[TurningPoint, ...]:
    """Search each input, in bedside steps, for the nearest values on either side that matter."""
    grids = {
        name: _steps(case.base, name)
        for name in case.base.measured
        if name in case.known and name in INPUTS
    }
    rows = np.tile(case.row(), (sum(map(len, grids.values())), 1))
    ends = np.cumsum([len(grid) for grid in grids.values()])
    for (name, grid), end in zip(grids.items(), ends, strict=True):
        rows[end - len(grid) : end, case.base.measured.index(name)] = grid
    every = evaluate_guideline(case.base, rows).level
    found: list[TurningPoint] = []
    for (name, grid), end in zip(grids.items(), ends, strict=True):
        levels = every[end - len(grid) : end]
        other = levels != LEVELS.index(level)
        below, above = grid < case.known[name], grid > case.known[name]
        for side, nearest in ((below & other, -1), (above & other, 0)):
            if side.any():
                at = np.flatnonzero(side)[nearest]
                found.append(TurningPoint(name, float(grid[at]), LEVELS[levels[at]]))
    return tuple(found)


def _steps(base: GuidelineBase, name: str) -> Array:
    """Values of an input in bedside steps, over its slopes and what lies between them."""
    step = _STEPS.get(INPUTS[name].unit, 1.0)
    ends = [
        end
        for part in base.inputs.values()
        if part.of == name
        for ramp in part.terms.values()
        for end in ramp
    ]
    first, last = round(min(ends) / step), round(max(ends) / step)
    return np.round(np.arange(first, last + 1) * step, 6)


def _graded(case: Case, both: GuidelineEvaluation) -> tuple[GradedInput, ...]:
    values = {**case.known, **case.image}
    graded = []
    for name, part in case.base.inputs.items():
        if part.of not in values:
            continue
        truths = [1.0, *(float(both.grades[name, term][0]) for term in part.terms), 0.0]
        names = ["normal", *part.terms]
        unit = INPUTS[part.of].unit if part.of in INPUTS else _UNITS[part.of]
        shares = {term: truths[i] - truths[i + 1] for i, term in enumerate(names)}
        graded.append(GradedInput(name, part.of, unit, values[part.of], dict(part.terms), shares))
    return tuple(graded)


_UNITS = {"age": "years", "image_pneumonia": "probability", "image_finding": "probability"}


def _personal(case: Case, bounds: Bounds) -> PersonalView:
    """Count each value by its place within the patient's own range instead of the population's.

    What counts at both ends, as temperature, is left as measured: stretched, it would be a fever or
    a chill that nobody measured.
    """
    one_sided = {
        name: value
        for name, value in case.known.items()
        if name in SYMPTOMS and name in bounds.ranges and len(case.base.worst(name)) == 1
    }
    interval = _interval(replace(case, known={**case.known, **rescale(one_sided, bounds)}))
    return PersonalView(interval.least, interval.least_score, bounds.visits, interval.most)
