"""Baral 2025, 3.3.5 and 3.3.6: how often the published readings of the severity differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import SeverityLevel
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.severity import LEVELS, SYMPTOMS, Evaluation, evaluate, load_rule_base

CASES, SEED = 100_000, 2025
PROGRAM = "baral2025"
# What each takes from the publication.
READINGS: Mapping[str, str] = {
    PROGRAM: "the authors' program: sums, OR 8, severe above 40",
    "baral2025-or5": "the article's text and Table 6: OR 5; else as the program",
    "baral2025-drawn": (
        "the manuscript of March 2025: Figure 2 (seven rules differ), severe from 40; else as the "
        "program"
    ),
    "baral2025-max": "the article's equation 13 for each level, AND 10, OR 5, no cut",
    "baral2025-average": "the article's equation 14 for each level, AND 10, OR 5, no cut",
}


def _run(context: Context, page: Page) -> None:
    count = 1000 if context.smoke else CASES
    page.source("patients", f"{count:,} drawn with seed {SEED}, each symptom uniform in its range")
    page.text(
        "The publication gives its severity in more than one way. Each is a rule base of this "
        f"package, and all of them score the same {count:,} patients, whose eleven symptoms are "
        "drawn evenly and independently over the accepted ranges, without an image. Such patients "
        "are far sicker than real ones: the figures tell how far the readings lie apart, not how "
        "ill patients are."
    )
    page.table(["rule base", "from"], [[name, words] for name, words in READINGS.items()])
    values = draw(count, SEED)
    found = {name: evaluate(load_rule_base(name), values) for name in READINGS}
    _write_levels(page, found)
    _write_bands(page, found)


def draw(count: int, seed: int) -> NDArray[np.float64]:
    """Draw patients evenly over the accepted ranges; shape (count, 11), in the symptoms' units."""
    low = [symptom.minimum for symptom in SYMPTOMS.values()]
    high = [symptom.maximum for symptom in SYMPTOMS.values()]
    return np.random.default_rng(seed).uniform(low, high, (count, len(SYMPTOMS)))


def _write_levels(page: Page, found: Mapping[str, Evaluation]) -> None:
    order = list(reversed(LEVELS))
    program = found[PROGRAM].winner
    rows, figures = [], {}
    for name, evaluation in found.items():
        shares = {
            level: float(np.mean(evaluation.winner == LEVELS.index(level))) for level in order
        }
        borderline = float(evaluation.borderline.mean())
        other = float(np.mean(evaluation.winner != program))
        milder = float(np.mean(evaluation.winner < program))
        cells = [*shares.values(), borderline, other, milder]
        rows.append([name, *(f"{share:.1%}" for share in cells)])
        figures[name] = {
            "levels": {level.value: share for level, share in shares.items()},
            "borderline": borderline,
            "other_than_program": other,
            "milder_than_program": milder,
        }
    page.heading("Levels")
    header = ["rule base", *(level.value for level in order), "borderline"]
    page.table([*header, f"another level than {PROGRAM}", "a milder one"], rows)
    page.values("levels", figures)


def _write_bands(page: Page, found: Mapping[str, Evaluation]) -> None:
    rows, figures = [], {}
    for name, evaluation in found.items():
        base = load_rule_base(name)
        given = evaluation.winner == LEVELS.index(SeverityLevel.SEVERE)
        points = evaluation.scores[given, -1]
        agreed = float(
            np.mean([base.band(float(score)) is SeverityLevel.SEVERE for score in points])
        )
        highest = float(evaluation.scores.max())
        rows.append([name, f"{highest:.3g}", f"{agreed:.1%}"])
        figures[name] = {"highest": highest, "severe_by_the_band_too": agreed}
    page.heading("Bands for a single score")
    page.text(
        "The publication also bands a single score: mild from 10, moderate from 25, severe above "
        "40 (text) or from 40 (manuscript). Of the patients who are given severe, as the level "
        "with the most points, so many have severe's points by the band, too. The bands fit "
        "sums alone: equation 13 gives no more than the largest weight and equation 14 no more "
        "than 1."
    )
    page.table(["rule base", "most points of a level", "severe by the band, too"], rows)
    page.values("bands", figures)


STUDY = Study(
    name="baral2025-readings",
    title="Baral 2025: how often the published readings of the severity differ",
    reaches=f"equations 13 and 14, Figure 7, Table 6 and the bands, on {CASES:,} drawn patients",
    cost="a few seconds on one core",
    run=_run,
)
