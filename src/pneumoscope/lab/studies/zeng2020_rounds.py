"""Loss and accuracy per round of Zeng 2020's networks (its Figures 6 and 7), and the gap."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.page import Page

PUBLISHED = (
    "Published, as pictures: the loss of Inception-v3 falls more slowly from round 19 on and ends "
    "near 0.02, and its accuracy in training is nearly 20 points above that of the test set; the "
    "loss of ResNet-152 turns up again near 0.14, where the training stops."
)


def gap(result: Result) -> float:
    """Training accuracy at the last round less the accuracy on the reported images."""
    return result.curve("train_accuracy")[-1] - result.accuracy


def write_rounds(page: Page, name: str, results: Mapping[str, Result]) -> None:
    """Draw each training's rounds, and set its training accuracy beside what is reported.

    Parameters
    ----------
    page : Page
    name : str
        Of the figure and the values.
    results : mapping of str to Result
        By what each training is called.
    """
    rows = []
    for called, result in results.items():
        losses = result.curve("stop_loss")
        rows.append(
            [
                called,
                f"{len(losses)} ({losses.index(min(losses)) + 1})",
                f"{result.curve('train_loss')[-1]:.3f}",
                f"{min(losses):.3f}",
                f"{result.curve('train_accuracy')[-1]:.3f}",
                f"{result.accuracy:.3f}",
                f"{100 * gap(result):+.1f}",
            ]
        )
    header = ["", "rounds (lowest stop loss)", "training loss, last round", "lowest stop loss"]
    page.text("**Loss and accuracy per round, and the gap:**")
    page.table([*header, "training accuracy, last round", "accuracy, reported", "points"], rows)
    page.text(
        "Loss and accuracy in training are those of each round as it is trained, dropout and "
        "augmentation in place, so a gap in use would be wider; *reported* is the accuracy of the "
        "kept round on the reported images."
    )
    page.published_text(PUBLISHED)
    caption = f"Loss and accuracy per round, {name}: training, and the part that stops it."
    page.figure(f"{name}-rounds", _figure(results), caption)
    page.values(
        f"{name}, rounds",
        {
            called: {"epochs": [dict(epoch) for epoch in result.epochs], "gap": gap(result)}
            for called, result in results.items()
        },
    )


def _figure(results: Mapping[str, Result]) -> Figure:
    figure = Figure(figsize=(9, 3), layout="constrained")
    parts = (("train", "training", "#b3541e"), ("stop", "stop part", "#1f5a91"))
    for axis, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, label, colour in parts:
            for number, result in enumerate(results.values()):
                curve = result.curve(f"{part}_{measure}")
                axis.plot(
                    range(1, len(curve) + 1),
                    curve,
                    color=colour,
                    alpha=0.8,
                    linewidth=1,
                    label=label if number == 0 else None,
                )
        axis.set_xlabel("round")
        axis.set_ylabel(measure)
        axis.grid(alpha=0.3)
        axis.legend()
    return figure
