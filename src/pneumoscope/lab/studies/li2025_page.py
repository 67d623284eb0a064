"""Li 2025's page: what was published beside what was measured, from plain numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

import numpy as np
import yaml
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from pneumoscope.lab.datasets import By
from pneumoscope.lab.networks import count_parameters, create
from pneumoscope.lab.studies.binary_metrics import METRICS, POSITIVE, told_leaks
from pneumoscope.lab.studies.folds import spread
from pneumoscope.lab.studies.page import Page

_CURVES = (
    "Loss and accuracy of every split, by epoch. The stop part is the hold-out itself by image, "
    "and patients of its own by patient."
)
# By the names of an epoch's figures, in the order of Table 2.
FIGURES = {
    "train_accuracy": "training accuracy",
    "train_loss": "training loss",
    "stop_accuracy": "hold-out accuracy",
    "stop_loss": "hold-out loss",
}
_Share = Annotated[float, Field(ge=0, le=1)]
_Loss = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Images(_Section):
    """Images of the random hold-out."""

    train: int
    hold_out: int


class Best(_Section):
    """The best epoch, from 1, and its accuracy on the hold-out, 0..1, as the text gives them."""

    epoch: int
    accuracy: _Share


class Layer(_Section):
    """A layer of Table 1, and its parameters with the running statistics."""

    layer: str
    parameters: int


class Published(_Section):
    """All of ``published/li2025.yaml``; `epochs` is Table 2, with the figures of `FIGURES`."""

    images: Images
    best: Best
    layers: tuple[Layer, ...]
    epochs: tuple[tuple[_Share, _Loss, _Share, _Loss], ...]

    def at(self, epoch: int, figure: str) -> float:
        """Give one of `FIGURES` of an epoch, from 1."""
        return self.epochs[epoch - 1][list(FIGURES).index(figure)]


@cache
def published() -> Published:
    """Read the published figures."""
    text = files("pneumoscope.lab.studies").joinpath("published/li2025.yaml").read_text("utf-8")
    return Published.model_validate(yaml.safe_load(text))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the page needs of one training; its fields are the values kept in ``li2025.json``.

    Attributes
    ----------
    certificate : str
        Checksum of the split's certificate.
    leaks : sequence of str
        What crosses the split's borders.
    images : mapping of str to int
        Images of each class in the report part.
    epochs : sequence of mapping of str to float
        The figures of `FIGURES` of every epoch, on the train and the stop part.
    metrics : mapping of str to float
        Of `METRICS`, of the kept checkpoint on the report part, 0..1.
    """

    certificate: str
    leaks: Sequence[str]
    images: Mapping[str, int]
    epochs: Sequence[Mapping[str, float]]
    metrics: Mapping[str, float]

    def curve(self, figure: str) -> list[float]:
        """One figure of every epoch."""
        return [epoch[figure] for epoch in self.epochs]

    @property
    def best(self) -> int:
        """The epoch that is kept, from 1: the first of those with the best accuracy."""
        return int(np.argmax(self.curve("stop_accuracy"))) + 1

    @property
    def last(self) -> int:
        """The last epoch, from 1."""
        return len(self.epochs)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """The same recipe on several splits of one kind."""

    by: By
    results: tuple[Measured, ...]

    def figures(self, epoch: str, figure: str = "stop_accuracy") -> list[float]:
        """Give a figure of every split's `best` or `last` epoch."""
        return [result.curve(figure)[getattr(result, epoch) - 1] for result in self.results]


def write(page: Page, recipe: Mapping[str, Any], arms: Sequence[Arm]) -> None:
    """Fill the page.

    Parameters
    ----------
    page : Page
    recipe : mapping
        The recipe's contents.
    arms : sequence of Arm, length 2
        By image, as published, and by patient.
    """
    image, patient = arms
    epochs = image.results[0].last
    page.text(
        "Li 2025 trains a CNN of four convolutions on the Guangzhou children's radiographs and "
        "reports its accuracy on a random hold-out of 485 of the 5,216 images. The published "
        "protocol splits by image and keeps the epoch that is best **on the held-out images "
        "themselves**. Here it is run again, as far as it is stated, on "
        f"{len(image.results)} random splits. Beside it: {len(patient.results)} with patients "
        "kept together and the epoch chosen on patients of their own, a tenth of those that would "
        f"train. The hold-outs have {_sizes(image)} images by image and "
        f"{_sizes(patient)} by patient."
    )
    _write_parameters(page)
    page.heading("Accuracy on the hold-out")
    _write_accuracy(page, image, patient)
    page.heading("The best epoch and the last one, by image")
    _write_kept(page, image)
    page.heading("What the accuracy does not say")
    _write_metrics(page, arms)
    page.heading(f"{epochs} epochs (Table 2, Figures 5 and 6)")
    _write_epochs(page, image)
    page.figure("curves", _curves(arms), _CURVES)
    page.heading("What the paper does not state")
    page.text(
        "The optimiser (Adam here), the batch size (32), the input's scale (0..1), the padding and "
        "the constants of the normalisation (Keras' own). The images are those of the public "
        "release, 224 pixels wide at hand, enlarged to 256; an epoch leaves out the last, "
        "incomplete batch."
    )
    page.published_text(
        "The published training accuracies are whole numbers of all "
        f"{published().images.train:,} images, so none is left out there. The abstract gives "
        "an accuracy of 97.83%, the body 97.93%."
    )
    page.values("recipe", recipe)
    page.values("results", {arm.by: [_values(result) for result in arm.results] for arm in arms})


def _values(result: Measured) -> dict[str, Any]:
    return {
        "certificate": result.certificate,
        "leaks": list(result.leaks),
        "images": dict(result.images),
        "epochs": [dict(epoch) for epoch in result.epochs],
        "metrics": dict(result.metrics),
    }


def layer_parameters(network: nn.Module) -> list[int]:
    """Count the parameters of every layer that has any, in order, as `count_parameters` does."""
    layers = (layer for layer in network.modules() if list(layer.parameters(recurse=False)))
    return [count_parameters(layer) for layer in layers]


def _write_parameters(page: Page) -> None:
    network = create("li_cnn", classes=2, size=256, options={})
    layers = published().layers
    counts = [layer.parameters for layer in layers]
    rows = [
        [layer.layer, page.published(f"{layer.parameters:,}"), f"{count:,}"]
        for layer, count in zip(layers, layer_parameters(network), strict=True)
    ]
    total = count_parameters(network)
    rows.append(
        ["parameters, running statistics counted", page.published(f"{sum(counts):,}"), f"{total:,}"]
    )
    page.heading("The network (Table 1)")
    page.table(["", "published", "measured"], rows)


def _write_accuracy(page: Page, image: Arm, patient: Arm) -> None:
    stated = published()
    at_end = stated.epochs[-1][2]
    best, last = image.figures("best"), image.figures("last")
    honest = [result.metrics["accuracy"] for result in patient.results]
    rows = [
        [
            "by image, best epoch on the held-out images (as published)",
            page.published(f"{stated.best.accuracy} (one split)"),
            *_each(best),
        ],
        ["by image, last epoch", page.published(f"{at_end:.4f} (one split)"), *_each(last)],
        ["by patient, epoch chosen on other patients", "-", *_each(honest)],
    ]
    page.table(["protocol", "published", "mean", "least", "most", "each split"], rows)
    page.published_text(verdict(best))
    page.text(
        "The best epoch on the held-out images is "
        f"{np.mean(best) - np.mean(last):+.4f} from the last one, which nobody chose: the optimism "
        "of choosing on them and the gain of stopping at a good epoch, mixed. By patient, with the "
        "epoch chosen on other patients, the mean is "
        f"{np.mean(honest) - np.mean(best):+.4f} "
        "from the protocol as published. That is of three changes at once: the patients apart, the "
        "epoch chosen on others, a tenth less to train on. The two protocols hold out different "
        "images and no split of one belongs to a split of the other, so part of it is chance. [The "
        "leak tax](leak-tax.md) measures the first of the three by itself, many times."
    )
    page.published_text(
        "In the published training the best epoch is "
        f"{stated.best.accuracy - at_end:+.4f} from the last one."
    )


def verdict(best: Sequence[float]) -> str:
    """Tell where the published accuracy lies among those of the splits."""
    accuracy, images = published().best.accuracy, published().images.hold_out
    low, high = min(best), max(best)
    if low <= accuracy <= high:
        return (
            f"The published {accuracy} lies within the spread of the splits "
            f"({low:.4f} to {high:.4f})."
        )
    distance = accuracy - (high if high < accuracy else low)
    deviations = (accuracy - np.mean(best)) / np.std(best, ddof=1)
    side = "above the best" if distance > 0 else "below the worst"
    return (
        f"The published {accuracy} lies outside the spread of the splits ({low:.4f} to "
        f"{high:.4f}): {abs(distance):.4f} {side} of them, which is "
        f"{deviations:+.1f} standard deviations from their mean. One split of {images} "
        "images has a standard error of "
        f"{np.sqrt(accuracy * (1 - accuracy) / images):.4f} by itself."
    )


class _Compared(NamedTuple):
    """A published figure beside those of the splits."""

    name: str
    published: float
    measured: list[float]

    @property
    def within(self) -> bool:
        return min(self.measured) <= self.published <= max(self.measured)


def _compared(image: Arm) -> Iterator[_Compared]:
    """Give the published figures of the best and of the last epoch beside the measured ones."""
    stated = published()
    for epoch, number in (("best", stated.best.epoch), ("last", len(stated.epochs))):
        for figure, name in FIGURES.items():
            value = stated.at(number, figure)
            yield _Compared(f"{name}, {epoch} epoch", value, image.figures(epoch, figure))


def _write_kept(page: Page, image: Arm) -> None:
    stated, numbers = published(), [result.best for result in image.results]
    rows = [
        [
            "best epoch",
            page.published(stated.best.epoch),
            f"{np.mean(numbers):.1f}",
            str(min(numbers)),
            str(max(numbers)),
            ", ".join(map(str, numbers)),
        ]
    ]
    compared = list(_compared(image))
    rows += [
        [each.name, page.published(f"{each.published:.4f}"), *_each(each.measured)]
        for each in compared
    ]
    page.table(["", "published", "mean", "least", "most", "each split"], rows)
    page.published_text(_told_outside(compared))
    right = round(stated.at(stated.best.epoch, "stop_accuracy") * stated.images.hold_out)
    page.published_text(
        "Published figures are those of Table 2. It gives the best epoch "
        f"{right} of {stated.images.hold_out} images, "
        f"{right / stated.images.hold_out:.5f}, which the text cuts to {stated.best.accuracy}."
    )


def _told_outside(compared: Sequence[_Compared]) -> str:
    """Tell which published figures no split came near."""
    outside = [each.name for each in compared if not each.within]
    if not outside:
        return f"All {len(compared)} published figures lie within the spread of the splits."
    return (
        f"{len(compared) - len(outside)} of the {len(compared)} published figures lie within the "
        f"spread of the splits; outside are: {'; '.join(outside)}."
    )


def _write_metrics(page: Page, arms: Sequence[Arm]) -> None:
    image, patient = arms
    normal, ill = (
        sum(result.images[label] for result in image.results) for label in ("NORMAL", POSITIVE)
    )
    page.text(
        f"The set is no balanced one (1 normal to {ill / normal:.1f} pneumonia in the hold-outs by "
        "image), so accuracy alone flatters. Mean over the splits, least and most in brackets, of "
        "the kept checkpoint on the held-out images; sensitivity and specificity are those of "
        f"answering {POSITIVE}."
    )
    rows = []
    for name in METRICS:
        values = [[result.metrics[name] for result in arm.results] for arm in arms]
        cells = [
            f"{v[0]:.4f}" if len(v) == 1 else f"{np.mean(v):.4f} ({min(v):.4f} to {max(v):.4f})"
            for v in values
        ]
        rows.append([name.replace("_", " "), *cells])
    page.table(["", "by image, as published", "by patient"], rows)
    page.text(
        "Patients on both sides, by the splits' certificates. By image: "
        f"{told_leaks(image.results)}. By patient: {told_leaks(patient.results)}."
    )


def _write_epochs(page: Page, image: Arm) -> None:
    stated = published()
    header = ["epoch"]
    rows = [[str(epoch)] for epoch in range(1, image.results[0].last + 1)]
    outside = []
    for figure, name in FIGURES.items():
        header += [f"{name}, published", f"{name}, measured"]
        curves = np.array([result.curve(figure) for result in image.results]).T
        given = [stated.at(epoch, figure) for epoch in range(1, len(rows) + 1)]
        for row, value, measured in zip(rows, given, curves, strict=True):
            row += [page.published(f"{value:.4f}"), spread(measured)]
        beyond = (given < curves.min(axis=1)) | (given > curves.max(axis=1))
        outside.append(f"{name} {', '.join(map(str, np.flatnonzero(beyond) + 1)) or 'none'}")
    page.table(header, rows)
    page.text("Measured: mean and standard deviation over the splits by image.")
    page.published_text(
        "Epochs whose published figure is below the least or above the most of the splits: "
        f"{'; '.join(outside)}. A further split like these would lie there in "
        f"{2 * len(rows) / (len(image.results) + 1):.0f} of {len(rows)} epochs on average."
    )


def _sizes(arm: Arm) -> str:
    """Tell how many images the splits hold out."""
    sizes = sorted({sum(result.images.values()) for result in arm.results})
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"


def _each(values: Sequence[float]) -> list[str]:
    each = ", ".join(f"{value:.4f}" for value in values)
    return [f"{np.mean(values):.4f}", f"{min(values):.4f}", f"{max(values):.4f}", each]


def _curves(arms: Sequence[Arm]) -> Figure:
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    colours = {"image": "#b3541e", "patient": "#1f5a91"}
    for row, (name, label) in enumerate((("loss", "loss"), ("accuracy", "accuracy"))):
        for column, (part, title) in enumerate((("train", "training"), ("stop", "stop part"))):
            axis = axes[row, column]
            for arm in arms:
                for number, result in enumerate(arm.results):
                    curve = result.curve(f"{part}_{name}")
                    axis.plot(
                        range(1, len(curve) + 1),
                        curve,
                        color=colours[arm.by],
                        alpha=0.7,
                        linewidth=1,
                        label=f"by {arm.by}" if number == 0 else None,
                    )
            axis.set_ylabel(label)
            axis.set_title(title)
            axis.grid(alpha=0.3)
    axes[0, 0].set_yscale("log")
    axes[0, 1].set_yscale("log")
    axes[1, 0].set_xlabel("epoch")
    axes[1, 1].set_xlabel("epoch")
    axes[0, 0].legend()
    return figure
