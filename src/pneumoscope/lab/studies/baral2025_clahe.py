"""Baral 2025, Figure 5: what the clip limit and the tiles of CLAHE do to the grey values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.findings import InputSpec
from pneumoscope.imaging import read_radiograph, reduce_by_area, to_input
from pneumoscope.lab.studies.baral2025_data import (
    AUTHORS_SET,
    OFFICIAL,
    OPEN_SETS,
    read_authors_set,
    study_set,
)
from pneumoscope.lab.studies.page import Page, with_interval
from pneumoscope.lab.studies.study import Context, Study
from pneumoscope.metrics import Estimate, bootstrap

PUBLISHED_CLIP, PUBLISHED_TILES, PUBLISHED_IMAGES = 2.0, 8, 500
CLIPS, TILES, SIZE = (1.0, 2.0, 3.0), (4, 8, 16), 224
SMOKE_IMAGES, SEED = 8, 42
MEASURES = ("mean", "contrast", "entropy")
UNITS = {
    "mean": "mean (grey levels)",
    "contrast": "contrast (standard deviation, grey levels)",
    "entropy": "entropy (bits)",
}
ORDERS = ("CLAHE first (published)", "area first (ours)")
PLAIN = "no CLAHE"
# Okabe and Ito's colours, which the colour blind can tell apart.
_COLOURS = {4: "#56b4e9", 8: "#e69f00", 16: "#009e73"}

_NOT_AT_HAND = (
    " that was not at hand. These are others, so the heights of the bars are not to be compared "
    "with it, only how they change."
)
_AT_HAND = ". These are training images of the same set, but which 500 were drawn is not published."

Grey = NDArray[np.uint8]
Measures = NDArray[np.float64]
# (order or PLAIN, clip limit, tiles); no CLAHE has neither.
Setting = tuple[str, float, int]
SETTINGS: tuple[Setting, ...] = (
    (PLAIN, 0.0, 0),
    *((order, clip, tiles) for order in ORDERS for tiles in TILES for clip in CLIPS),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The images of one class of one set.

    Attributes
    ----------
    values : ndarray of float64, shape (images, settings, measures)
    """

    source: str
    label: str
    patients: tuple[str, ...]
    values: Measures

    def of(self, setting: Setting, measure: str) -> Measures:
        return self.values[:, SETTINGS.index(setting), MEASURES.index(measure)]

    def estimate(self, values: Measures) -> Estimate:
        """Mean over the images, its interval from resampled patients."""
        return bootstrap({"mean": partial(_weighted_mean, values)}, self.patients)["mean"]

    @property
    def name(self) -> str:
        return f"{self.source} {self.label}"


def equalise_first(pixels: NDArray[np.float32], clip: float, tiles: int) -> Grey:
    """Equalise at the file's own size, then resize: the order that Baral 2025 publishes.

    The way of resizing is not published; it is bilinear here, which is OpenCV's default.

    Parameters
    ----------
    pixels : ndarray of float32, shape (height, width)
        Grey values, 0..1.
    clip : float
        Clip limit.
    tiles : int
        Per side.

    Returns
    -------
    ndarray of uint8, shape (224, 224)
    """
    grey = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    equalised = cv2.createCLAHE(clip, (tiles, tiles)).apply(grey)
    return cv2.resize(equalised, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def grey_measures(grey: Grey) -> tuple[float, float, float]:
    """Measure the histogram of an 8-bit image.

    Returns
    -------
    tuple of float
        Mean and standard deviation in grey levels (0..255), Shannon entropy in bits (0..8).
    """
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    present = shares[shares > 0]
    return float(grey.mean()), float(grey.std()), float(-(present * np.log2(present)).sum())


def _run(context: Context, page: Page) -> None:
    measured = []
    for source in study_set(context).sources:
        images = _images(context, source)
        for label in sorted({image.label for image in images}):
            of_label = [image for image in images if image.label == label]
            drawn = _draw(of_label, SMOKE_IMAGES if context.smoke else PUBLISHED_IMAGES)
            page.source(f"{source} {label}", f"{len(drawn)} of {len(of_label)} images, seed {SEED}")
            measured.append(_measure(source, label, drawn))
    _write(context, page, measured)


def _images(context: Context, source: str) -> Sequence[LabelledImage]:
    """List a set's images; of the authors' set those for training, as published."""
    folder = context.data / source
    if context.data_set != AUTHORS_SET:
        return read_manifest(folder).images
    return [image for image in read_authors_set(folder) if image.extra[OFFICIAL] == "train"]


def _draw(images: Sequence[LabelledImage], count: int) -> list[LabelledImage]:
    """Draw at random without repeats; all where there are fewer."""
    order = np.random.default_rng(SEED).permutation(len(images))[:count]
    return [images[position] for position in sorted(order.tolist())]


def _measure(source: str, label: str, images: Sequence[LabelledImage]) -> _Measured:
    values = np.empty((len(images), len(SETTINGS), len(MEASURES)))
    for row, image in enumerate(images):
        pixels = read_radiograph(image.path).pixels
        values[row] = [grey_measures(_processed(pixels, setting)) for setting in SETTINGS]
    return _Measured(source, label, tuple(image.patient_id for image in images), values)


def _processed(pixels: NDArray[np.float32], setting: Setting) -> Grey:
    order, clip, tiles = setting
    if order == PLAIN:
        return reduce_by_area(pixels, SIZE)
    if order == ORDERS[0]:
        return equalise_first(pixels, clip, tiles)
    scaled = to_input(pixels, InputSpec(SIZE, clip, tiles, channels=1))[0]
    return np.rint(scaled * 255).astype(np.uint8)


def _weighted_mean(values: Measures, weights: Measures) -> Measures:
    return np.asarray(weights @ values / weights.sum(axis=-1))


def _write(context: Context, page: Page, measured: Sequence[_Measured]) -> None:
    authors = context.data_set == AUTHORS_SET
    where = "the authors' own set" if authors else "two sets, apart"
    page.text(
        "Baral 2025 justifies its CLAHE by the mean, the standard deviation (contrast) and the "
        "Shannon entropy (texture) of equalised training images, for three clip limits and three "
        f"numbers of tiles, at {SIZE} x {SIZE} pixels. Here the same is measured on {where}, "
        "and beside it without CLAHE and in this project's order: area first, then CLAHE."
    )
    page.published_text(
        f"Published: {PUBLISHED_IMAGES} random training images of each class; chosen were clip "
        f"limit {PUBLISHED_CLIP} and {PUBLISHED_TILES} x {PUBLISHED_TILES} tiles. Its images are "
        "a public set (Kaggle, `moazeldsokyx/chest-x-ray-images-pneumonia-dataset`, 17,229 images "
        f"in folders train and test){_AT_HAND if authors else _NOT_AT_HAND} {_shortage(measured)}"
    )
    page.heading("The measure (Figure 5)")
    for source in dict.fromkeys(part.source for part in measured):
        parts = [part for part in measured if part.source == source]
        page.figure(source, _bars(parts), _caption(parts))
    page.table(["set and class", "tiles", "clip limit", *UNITS.values()], _rows(measured))
    page.text(
        f"{ORDERS[0]}; mean over the images, 95% interval from 1,000 bootstrap draws of "
        f"{study_set(context).drawn}."
    )
    page.heading("What the measure says")
    _write_trend(page, measured)
    page.text(
        "Neither is an argument for a classifier. All three figures are those of the histogram: "
        "they do not change when the pixels of an image change places at random, so they cannot "
        "tell an opacity from noise. The choice between settings has to be made on a classifier's "
        "own figures, on patients that it has not seen."
    )
    page.heading("The order: CLAHE first, or area first")
    _write_orders(page, measured)
    page.values("measures", _values(measured))


def _shortage(measured: Sequence[_Measured]) -> str:
    scarce = [
        f"{part.name} ({len(part.patients)})"
        for part in measured
        if len(part.patients) < PUBLISHED_IMAGES
    ]
    return f"Fewer than {PUBLISHED_IMAGES} are at hand of {', '.join(scarce)}." if scarce else ""


def _caption(parts: Sequence[_Measured]) -> str:
    listed = ", ".join(f"{part.label} {len(part.patients)}" for part in parts)
    return (
        f"{parts[0].source}, {ORDERS[0]}; images: {listed}. Bars: mean change against {PLAIN}; "
        "lines: 95% interval. The values themselves are in the table."
    )


def _rows(measured: Sequence[_Measured]) -> list[list[str]]:
    rows = []
    for part in measured:
        for setting in SETTINGS:
            order, clip, tiles = setting
            if order == ORDERS[1]:
                continue
            cells = [with_interval(part.estimate(part.of(setting, m)), 2) for m in MEASURES]
            named = ["-", PLAIN] if order == PLAIN else [f"{tiles} x {tiles}", f"{clip:g}"]
            rows.append([part.name, *named, *cells])
    return rows


def _write_trend(page: Page, measured: Sequence[_Measured]) -> None:
    """Say whether the measures rise with the clip limit, by paired differences."""
    page.text(
        "A step of the clip limit, 1 to 2 or 2 to 3, counts as a rise (a fall) of a set's class "
        "where the whole 95% interval of the paired difference lies above (below) 0. Of "
        f"{len(measured) * (len(CLIPS) - 1)} steps each:"
    )
    rows = []
    for order, tiles in product(ORDERS, TILES):
        cells = []
        for measure in ("contrast", "entropy"):
            rises, falls = _steps(measured, order, tiles, measure)
            cells += [str(rises), str(falls)]
        rows.append([order, f"{tiles} x {tiles}", *cells])
    header = ["order", "tiles", "contrast rises", "falls", "entropy rises", "falls"]
    page.table(header, rows)
    page.text(_effective_limits(measured))
    for measure in ("contrast", "entropy"):
        page.text(_peak(measured, measure))


def _steps(measured: Sequence[_Measured], order: str, tiles: int, measure: str) -> tuple[int, int]:
    """Count the steps of the clip limit that raise a measure, and those that lower it."""
    steps = [
        part.estimate(
            part.of((order, high, tiles), measure) - part.of((order, low, tiles), measure)
        )
        for part in measured
        for low, high in pairwise(CLIPS)
    ]
    rises = sum(step.low is not None and step.low > 0 for step in steps)
    falls = sum(step.high is not None and step.high < 0 for step in steps)
    return rises, falls


def _effective_limits(measured: Sequence[_Measured]) -> str:
    """Name the settings that are one and the same to OpenCV."""
    same: dict[str, list[str]] = {}
    for part, order, tiles, (low, high) in product(measured, ORDERS, TILES, pairwise(CLIPS)):
        one, other = (order, low, tiles), (order, high, tiles)
        if all(np.array_equal(part.of(one, m), part.of(other, m)) for m in MEASURES):
            name = f"{low:g} and {high:g} with {tiles} x {tiles} tiles, {order}"
            same.setdefault(name, []).append(part.name)
    text = (
        "OpenCV cuts a tile's histogram at clip limit x pixels of the tile / 256, rounded down to "
        f"a whole number of pixels and at least 1. At {SIZE} pixels a tile of 16 x 16 has "
        f"{(SIZE // 16) ** 2} pixels for 256 grey levels, so few whole limits are left."
    )
    if same:
        listed = "; ".join(f"{name} ({', '.join(parts)})" for name, parts in same.items())
        text += f" No image differs between clip limits {listed}."
    return text


def _peak(measured: Sequence[_Measured], measure: str) -> str:
    """Name the settings where the measure is largest in the published order."""
    settings = [setting for setting in SETTINGS if setting[0] == ORDERS[0]]
    peaks = Counter(
        max(settings, key=lambda setting: part.of(setting, measure).mean()) for part in measured
    )
    named = ", ".join(
        f"clip limit {clip:g} with {tiles} x {tiles} tiles ({count} of {len(measured)})"
        for (_, clip, tiles), count in peaks.most_common()
    )
    picked = peaks[ORDERS[0], PUBLISHED_CLIP, PUBLISHED_TILES]
    return (
        f"**{measure.capitalize()}** is largest at {named} sets and classes, {ORDERS[0]}. Taken as "
        f"the aim, it picks clip limit {PUBLISHED_CLIP:g} with {PUBLISHED_TILES} x "
        f"{PUBLISHED_TILES} tiles, the middle of the grid, in {picked} of {len(measured)}."
    )


def _write_orders(page: Page, measured: Sequence[_Measured]) -> None:
    page.text(
        "Baral 2025 equalises the file and resizes the result, so that tiles and noise are those "
        "of the file's own resolution. This project averages areas first, so that a large file "
        "and its small copy give the same input. Difference, ours minus published, paired by "
        f"image, at clip limit {PUBLISHED_CLIP:g} and {PUBLISHED_TILES} x {PUBLISHED_TILES} tiles:"
    )
    rows = []
    for part in measured:
        ours, published = ((order, PUBLISHED_CLIP, PUBLISHED_TILES) for order in ORDERS[::-1])
        changes = [part.of(ours, measure) - part.of(published, measure) for measure in MEASURES]
        rows.append([part.name, *(with_interval(part.estimate(change), 2) for change in changes)])
    page.table(["set and class", *UNITS.values()], rows)
    same = [part.name for part in measured if _order_makes_no_difference(part)]
    if same:
        page.text(
            f"No image differs at any setting in: {', '.join(same)}. Their files already are "
            f"{SIZE} x {SIZE}, so nothing is resized: these say nothing about the order."
        )


def _order_makes_no_difference(part: _Measured) -> bool:
    one, other = (
        part.values[:, [number for number, setting in enumerate(SETTINGS) if setting[0] == order]]
        for order in ORDERS
    )
    return np.array_equal(one, other)


def _values(measured: Sequence[_Measured]) -> list[dict[str, object]]:
    return [
        {
            "set": part.source,
            "label": part.label,
            "images": len(part.patients),
            "order": order,
            "clip_limit": clip or None,
            "tiles": tiles or None,
        }
        | {m: part.estimate(part.of((order, clip, tiles), m)).as_dict() for m in MEASURES}
        for part in measured
        for order, clip, tiles in SETTINGS
    ]


def _bars(parts: Sequence[_Measured]) -> Figure:
    figure = Figure(figsize=(3.2 * len(parts) + 1.2, 7.5), layout="constrained")
    grid = figure.subplots(len(MEASURES), len(parts), sharex=True, sharey="row", squeeze=False)
    for row, measure in enumerate(MEASURES):
        for column, part in enumerate(parts):
            _bar_panel(grid[row, column], part, measure)
        name = UNITS[measure].replace(" (", "\n(")
        grid[row, 0].set_ylabel(f"change of the {name}", fontsize=9)
    for column, part in enumerate(parts):
        grid[0, column].set_title(f"{part.label} (n = {len(part.patients)})")
        grid[-1, column].set_xlabel("clip limit")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return figure


def _bar_panel(axis: Axes, part: _Measured, measure: str) -> None:
    width = 0.26
    plain = part.of(SETTINGS[0], measure)
    for place, tiles in enumerate(TILES):
        at = np.arange(len(CLIPS)) + (place - 1) * width
        changes = [part.of((ORDERS[0], clip, tiles), measure) - plain for clip in CLIPS]
        found = [part.estimate(change) for change in changes]
        heights = [estimate.value or 0.0 for estimate in found]
        axis.bar(at, heights, width, color=_COLOURS[tiles], label=f"{tiles} x {tiles} tiles")
        for x, e in zip(at, found, strict=True):
            if e.low is not None and e.high is not None:
                axis.plot([x, x], [e.low, e.high], color="black", linewidth=1.2)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_xticks(range(len(CLIPS)), [f"{clip:g}" for clip in CLIPS])
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)


STUDY = Study(
    name="baral2025-clahe",
    title="Baral 2025: clip limit and tiles of CLAHE",
    reaches="Figure 5, on guangzhou and rsna apart unless --set; the order of CLAHE and resizing",
    cost="two minutes on one core",
    run=_run,
    needs=OPEN_SETS,
    sets=(AUTHORS_SET,),
)
