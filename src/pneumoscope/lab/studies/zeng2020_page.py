"""What the studies of Zeng 2020 write on their pages of the trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pneumoscope.lab.studies.folds import corrected_interval, signed, spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.zeng2020_heads import REFERENCE, WAYS, Budget, Trial
from pneumoscope.lab.studies.zeng2020_trials import FIGURES, Repeat
from pneumoscope.lab.tuning import UNIT_WEIGHTS
from pneumoscope.metrics import Estimate

SEARCHED = ("ga", "ga-training", "per-unit", "random", "bayes", "tried")
# What the genetic search must be worth it beside.
GENETIC, PLAIN = ("ga", "ga-training", "per-unit"), ("none", "0.2", "random", "bayes", "tried")
EXPLAINED = (
    "*Short trainings*: the other reading of equation 4, the loss of a training of the last layer "
    "under the mask. *Weighted*: the future work of the authors; each unit's rate follows from a "
    "number of its feature matrix on the training images, and informative units are dropped less "
    "([how](../explanation/dropout-search.md#weighted-dropout-from-feature-matrices))."
)
HARD_LABELS = (
    "*AUROC as published* is computed from the answers yes and no, as Zeng's figure was: it is the "
    "balanced accuracy. *AUROC* is that of the probabilities."
)


def differences(
    repeats: Sequence[Repeat], ratio: float, ways: Sequence[str], reference: str = REFERENCE
) -> dict[str, dict[str, Estimate]]:
    """Some ways less another one on the same splits, with corrected intervals.

    Parameters
    ----------
    repeats : sequence of Repeat
    ratio : float
        Held-out images by training images.
    ways : sequence of str
    reference : str

    Returns
    -------
    dict of str to dict of str to Estimate
        By way and by the names of `FIGURES`.
    """
    others = [repeat.figures(reference) for repeat in repeats]
    found = {}
    for way in ways:
        mine = [repeat.figures(way) for repeat in repeats]
        found[way] = {
            name: corrected_interval(
                [a[name] - b[name] for a, b in zip(mine, others, strict=True)], ratio
            )
            for name in FIGURES
        }
    return found


def write_ways(
    page: Page, name: str, repeats: Sequence[Repeat], *, ratio: float, budget: Budget, of: str
) -> None:
    """Write every way's figures, cost, and difference from the usual rate.

    Parameters
    ----------
    page : Page
    name : str
        Of the values and the figure.
    repeats : sequence of Repeat
    ratio : float
        Held-out images by training images.
    budget : Budget
        Of the searches.
    of : str
        What was repeated, in words.
    """
    rows = []
    for way, called in WAYS.items():
        trials = [repeat.trials[way] for repeat in repeats]
        figures = [repeat.figures(way) for repeat in repeats]
        rows.append(
            [called, spread([trial.rate for trial in trials], 2)]
            + [spread([each[figure] for each in figures], 3) for figure in FIGURES]
        )
    page.table(["dropout", "rate", *FIGURES], rows)
    page.text(f"Mean and standard deviation over {of}. {EXPLAINED}")
    gains = differences(repeats, ratio, [way for way in WAYS if way != REFERENCE])
    digits = _digits(gains)
    page.text("**Gain over p = 0.5 on the same splits, and what it cost:**")
    costs = ["warm-up, seconds", "search, seconds", "evaluations", "training, seconds"]
    page.table(
        ["dropout", "AUROC", "accuracy", *costs],
        [_gain_row(way, gains[way], repeats, digits) for way in gains],
    )
    page.text(
        "Paired 95% t-intervals, corrected for the overlap of the splits (Nadeau and Bengio 2003), "
        "not for being several. A search evaluates masks, after one warm-up of the head that all "
        f"share; *tried* trains a head per evaluation, and ends after {budget.rates}; *weighted* "
        f"computes its numbers only. {budget}"
    )
    beside = {way: differences(repeats, ratio, GENETIC, way) for way in PLAIN}
    page.text("**AUROC of the genetic search less that of a plain way, on the same splits:**")
    page.table(
        ["less", *(WAYS[way] for way in GENETIC)],
        [
            [WAYS[way], *(signed(beside[way][mine]["AUROC"], digits) for mine in GENETIC)]
            for way in PLAIN
        ],
    )
    page.text(verdict(gains, {way: found["ga"]["AUROC"] for way, found in beside.items()}, digits))
    reading = differences(repeats, ratio, ["ga-training"], "ga")["ga-training"]
    page.text(open_points(gains, reading["AUROC"], digits))
    page.figure(name, _gain_figure(gains), f"Gain in AUROC over p = 0.5, with 95% intervals: {of}.")
    page.values(
        name,
        {
            "figures": {way: [repeat.figures(way) for repeat in repeats] for way in WAYS},
            "rates": {way: [repeat.trials[way].rate for repeat in repeats] for way in WAYS},
            "gain over 0.5": {
                way: {figure: gain.as_dict() for figure, gain in each.items()}
                for way, each in gains.items()
            },
            "genetic search less": {
                way: {
                    mine: {figure: gain.as_dict() for figure, gain in each.items()}
                    for mine, each in found.items()
                }
                for way, found in beside.items()
            },
            "short trainings less evaluation": {
                figure: each.as_dict() for figure, each in reading.items()
            },
        },
    )


def _digits(gains: dict[str, dict[str, Estimate]]) -> int:
    """More digits where heads on the same frozen features rank the images almost alike."""
    widths = [
        gain["AUROC"].high - gain["AUROC"].low
        for gain in gains.values()
        if gain["AUROC"].low is not None and gain["AUROC"].high is not None
    ]
    return 5 if widths and min(widths) < 0.001 else 4


def verdict(
    gains: dict[str, dict[str, Estimate]], beside: dict[str, Estimate], digits: int = 4
) -> str:
    """Say what the intervals of AUROC tell of the genetic search, and what they do not.

    Parameters
    ----------
    gains : dict of str to dict of str to Estimate
        Of every way over the usual rate.
    beside : dict of str to Estimate
        Of the genetic search over the plain ways.
    digits : int
        Behind the point.
    """
    better, worse, open_ = _told_apart({way: gain["AUROC"] for way, gain in gains.items()})
    parts = [
        f"{side} than p = 0.5: {', '.join(names)}"
        for side, names in (("better", better), ("worse", worse))
        if names
    ]
    first = f"By AUROC {'; '.join(parts)}." if parts else "By AUROC no way is told from p = 0.5."
    reach = gains["ga"]["AUROC"].high
    if WAYS["ga"] in open_ and reach is not None:
        first += f" A gain of the genetic search is not shown; it is at most {reach:+.{digits}f}."
    better, worse, open_ = _told_apart(beside)
    sides = (("better than", better), ("worse than", worse), ("not told from", open_))
    second = "; ".join(f"{side} {', '.join(names)}" for side, names in sides if names)
    return f"**{first} The genetic search is {second}.**"


def open_points(gains: dict[str, dict[str, Estimate]], reading: Estimate, digits: int = 4) -> str:
    """Say what the intervals of AUROC tell of what the publication leaves open.

    Parameters
    ----------
    gains : dict of str to dict of str to Estimate
        Of every way over the usual rate.
    reading : Estimate
        Of p* by short trainings less p* by evaluation.
    digits : int
        Behind the point.
    """
    better, worse, open_ = _told_apart({way: gains[way]["AUROC"] for way in UNIT_WEIGHTS})
    sides = (("better than", better), ("worse than", worse), ("not told from", open_))
    weighted = "; ".join(
        f"{side} plain dropout of the same mean rate: {', '.join(names)}"
        for side, names in sides
        if names
    )
    return (
        f"**Weighted dropout is {weighted}. The p\\* of short trainings less that of evaluation: "
        f"{signed(reading, digits)} in AUROC.**"
    )


def _told_apart(gains: dict[str, Estimate]) -> tuple[list[str], list[str], list[str]]:
    """Name the ways whose interval lies above 0, below it, and around it."""
    better, worse, open_ = [], [], []
    for way, gain in gains.items():
        if gain.low is not None and gain.low > 0:
            better.append(WAYS[way])
        elif gain.high is not None and gain.high < 0:
            worse.append(WAYS[way])
        else:
            open_.append(WAYS[way])
    return better, worse, open_


def _gain_row(
    way: str, gain: dict[str, Estimate], repeats: Sequence[Repeat], digits: int
) -> list[str]:
    trials = [repeat.trials[way] for repeat in repeats]
    searched, warmed_up = way in SEARCHED, way in SEARCHED and way != "tried"
    return [
        WAYS[way],
        signed(gain["AUROC"], digits),
        signed(gain["accuracy"]),
        f"{np.mean([t.warm_up_seconds for t in trials]):.2f}" if warmed_up else "-",
        _search_seconds(way, trials),
        f"{np.mean([t.evaluations for t in trials]):,.0f}" if searched else "-",
        f"{np.mean([t.train_seconds for t in trials]):.2f}",
    ]


def _search_seconds(way: str, trials: Sequence[Trial]) -> str:
    seconds = np.mean([trial.search_seconds for trial in trials])
    if way in UNIT_WEIGHTS:
        return f"{seconds:.2f}"
    return f"{seconds:.1f}" if way in SEARCHED else "-"


def _gain_figure(gains: dict[str, dict[str, Estimate]]) -> Figure:
    figure = Figure(figsize=(7, 0.3 * len(gains) + 0.9), layout="constrained")
    axis = figure.subplots()
    for place, gain in enumerate(gains[way]["AUROC"] for way in gains):
        if gain.low is not None and gain.high is not None:
            axis.plot([gain.low, gain.high], [place, place], color="#999999", linewidth=2)
        if gain.value is not None:
            axis.plot(gain.value, place, "o", color="#1f5a91")
    axis.axvline(0, color="#b3541e", linewidth=1)
    axis.set_yticks(range(len(gains)), [WAYS[way] for way in gains])
    axis.invert_yaxis()
    axis.set_xlabel("AUROC less that of p = 0.5")
    axis.grid(axis="x", alpha=0.3)
    return figure
