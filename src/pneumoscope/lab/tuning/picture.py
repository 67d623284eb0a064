"""A picture of a search: what it went through, and where the best mask is."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.lab.tuning.journal import Step
from pneumoscope.lab.tuning.masks import drop_share, unpack

# Share of the masks that the picture shows whatever the others are.
_SHOWN = 0.95
_EACH, _MEAN, _BEST, _PLAIN = "#9aa5b1", "#1f6f9f", "#c2410c", "#374151"


def draw_search(
    steps: Sequence[Step], units: int, *, rate: float, without_dropout: float, method: str
) -> bytes:
    """Draw a search as SVG.

    Parameters
    ----------
    steps : sequence of Step
    units : int
        Of a mask.
    rate : float
        p*.
    without_dropout : float
        Objective of the mask that keeps everything.
    method : str
        For the title.

    Returns
    -------
    bytes
        The same search gives the same picture.
    """
    evaluations = [one for step in steps for one in step.evaluations]
    objectives = np.array([one.objective for one in evaluations])
    shares = drop_share(np.stack([unpack(one.mask, units) for one in evaluations]))
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    history, landscape = figure.subplots(1, 2, sharey=True)
    _history(history, steps, objectives)
    landscape.scatter(shares, objectives, s=9, color=_EACH, linewidths=0, rasterized=True)
    landscape.axvline(rate, color=_BEST, linewidth=1.2, label=f"p* = {rate:.3f}")
    landscape.set_xlabel("share of units dropped by the mask")
    _cut(landscape, objectives, without_dropout)
    for axes in (history, landscape):
        axes.axhline(without_dropout, color=_PLAIN, linestyle=":", label="nothing dropped")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(framealpha=0.85, edgecolor="none", fontsize=9)
    figure.suptitle(f"{method}: {len(evaluations):,} masks over {units:,} units")
    drawn = io.BytesIO()
    # A fixed salt and no date: the same numbers give the same file.
    with rc_context({"svg.hashsalt": "search", "svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()


def _cut(axes: Axes, objectives: NDArray[np.float64], without_dropout: float) -> None:
    """Leave the highest losses out, and say how many: they would flatten all others."""
    low = min(objectives.min(), without_dropout)
    high = max(np.quantile(objectives, _SHOWN), without_dropout)
    margin = 0.05 * (high - low) or 0.05
    axes.set_ylim(low - margin, high + margin)
    above = int((objectives > high + margin).sum())
    if above:
        axes.set_title(f"{above:,} masks lie above", fontsize=9, loc="right")


def _history(axes: Axes, steps: Sequence[Step], objectives: NDArray[np.float64]) -> None:
    """Every evaluation in its turn, the steps' mean and spread, and the best so far."""
    ends = np.cumsum([len(step.evaluations) for step in steps])
    means = np.array([step.mean for step in steps])
    spreads = np.array([step.spread for step in steps])
    turns = np.arange(1, len(objectives) + 1)
    axes.scatter(turns, objectives, s=9, color=_EACH, linewidths=0, label="a mask", rasterized=True)
    axes.plot(ends, means, color=_MEAN, label="step's mean and spread")
    axes.fill_between(ends, means - spreads, means + spreads, color=_MEAN, alpha=0.15)
    axes.plot(turns, np.minimum.accumulate(objectives), color=_BEST, label="best so far")
    axes.set_xlabel("evaluations")
    axes.set_ylabel("objective: summed loss (nats)")
