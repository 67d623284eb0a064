"""What both studies of Zeng 2020 write on their pages of the trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pneumoscope.evaluation import Estimate
from pneumoscope.lab.studies.folds import corrected_interval, signed, spread
from pneumoscope.lab.studies.page import Page
from pneumoscope.lab.studies.zeng2020_heads import REFERENCE, WAYS
from pneumoscope.lab.studies.zeng2020_trials import FIGURES, Repeat

SEARCHED = ("ga", "per-unit", "random", "bayes", "tried")
HARD_LABELS = (
    "*AUROC as published* is computed from the answers yes and no, as Zeng's figure was: it is the "
    "balanced accuracy. *AUROC* is that of the probabilities."
)


def differences(repeats: Sequence[Repeat], ratio: float) -> dict[str, dict[str, Estimate]]:
    """Each way less the usual rate of 0.5 on the same splits, with corrected intervals."""
    usual = [repeat.figures(REFERENCE) for repeat in repeats]
    found = {}
    for way in WAYS:
        if way != REFERENCE:
            mine = [repeat.figures(way) for repeat in repeats]
            found[way] = {
                name: corrected_interval(
                    [a[name] - b[name] for a, b in zip(mine, usual, strict=True)], ratio
                )
                for name in FIGURES
            }
    return found


def write_ways(
    page: Page, name: str, repeats: Sequence[Repeat], *, ratio: float, seconds: float, of: str
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
    seconds : float
        The searches' budget.
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
    page.text(f"Mean and standard deviation over {of}.")
    gains = differences(repeats, ratio)
    page.text("**Gain over p = 0.5 on the same splits, and what it cost:**")
    page.table(
        ["dropout", "AUROC", "accuracy", "search, seconds", "evaluations", "training, seconds"],
        [_gain_row(way, gains[way], repeats) for way in gains],
    )
    page.text(
        "Paired 95% t-intervals, corrected for the overlap of the splits (Nadeau and Bengio 2003), "
        "not for being several. A search evaluates masks; *tried* trains a head per evaluation. "
        f"Every search had {seconds:g} seconds by the clock, after the same warm-up. "
        + verdict(gains)
    )
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
        },
    )


def verdict(gains: dict[str, dict[str, Estimate]]) -> str:
    """Say in a sentence whether a searched dropout did better than the usual rate, by AUROC."""
    better, worse = [], []
    for way in SEARCHED:
        gain = gains[way]["AUROC"]
        if gain.low is not None and gain.low > 0:
            better.append(WAYS[way])
        if gain.high is not None and gain.high < 0:
            worse.append(WAYS[way])
    if not better and not worse:
        return "**No search is told apart from p = 0.5 by AUROC: tuning did not help here.**"
    parts = [
        f"{side} than p = 0.5 by AUROC: {', '.join(names)}"
        for side, names in (("better", better), ("worse", worse))
        if names
    ]
    return f"**Told apart, {'; '.join(parts)}.**"


def _gain_row(way: str, gain: dict[str, Estimate], repeats: Sequence[Repeat]) -> list[str]:
    trials = [repeat.trials[way] for repeat in repeats]
    searched = way in SEARCHED
    return [
        WAYS[way],
        signed(gain["AUROC"]),
        signed(gain["accuracy"]),
        f"{np.mean([t.search_seconds for t in trials]):.1f}" if searched else "-",
        f"{np.mean([t.evaluations for t in trials]):,.0f}" if searched else "-",
        f"{np.mean([t.train_seconds for t in trials]):.2f}",
    ]


def _gain_figure(gains: dict[str, dict[str, Estimate]]) -> Figure:
    figure = Figure(figsize=(7, 3), layout="constrained")
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
