"""The published ways to split data: hold-out, k-fold, Monte Carlo, bootstrap (Baral 2025, 3.2).

Every scheme divides units, single images or linked groups, into a side that trains and a side that
is held out. With a fixed test set, that set is reported and the held-out side stops the training,
as in Baral 2025; without one the held-out side is reported, and the moment to stop is chosen on a
share of the training side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.utils import resample

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets.split import Fold, Positions, Split, Units

Scheme = Literal["holdout", "kfold", "stratified-kfold", "monte-carlo", "bootstrap"]
SCHEMES: tuple[str, ...] = get_args(Scheme)


class SchemeSettings(BaseModel):
    """What is drawn, how often, and in which shares.

    Attributes
    ----------
    scheme : str
        One of `SCHEMES`. `holdout` draws at random, `monte-carlo` stratified; `bootstrap` draws as
        often as `monte-carlo` trains units, with replacement and stratified, and holds out those
        never drawn.
    folds : int
        Folds, or repetitions where the scheme has no folds.
    seed : int
    holdout : float
        Share of the units held out by `holdout` and `monte-carlo`, above 0 and below 1. `bootstrap`
        draws the rest of them in number, and so holds out more: 0.2 of 15,000 gives 12,000 draws
        (the share in the authors' program, `Dataset_Splitter.ipynb` of their public repository).
    test : float
        Share of the units in a fixed test set, the same for every fold; 0 for none.
    stop, calibrate : float
        Shares of the training side. With `stop` 0 and no test set the training is stopped on the
        very images that are reported, which is a leak and is called one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scheme: Scheme = "stratified-kfold"
    folds: int = Field(5, ge=1, le=1000)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    holdout: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.0, ge=0, lt=1)
    stop: float = Field(0.1, ge=0, lt=1)
    calibrate: float = Field(0.1, ge=0, lt=1)


def draw(units: Units, settings: SchemeSettings, test: Positions | None = None) -> Split:
    """Split units by a scheme.

    Parameters
    ----------
    units : Units
        See `units_of`.
    settings : SchemeSettings
    test : ndarray of int64, or None
        The units of a fixed test set that is given, such as an official one; `settings.test` is
        then 0. By default the test set is drawn.

    Raises
    ------
    DataError
        All units have one class, a class has fewer units than the scheme needs, or the shares
        leave a part empty.
    ValueError
        A test set is both given and to be drawn.
    """
    if test is not None and settings.test:
        raise ValueError(
            "a test set that is given cannot be drawn as well: settings.test must be 0"
        )
    everything = np.arange(len(units.strata), dtype=np.int64)
    _check(units, settings, everything)
    try:
        if test is None:
            rest, test = _cut(units, everything, settings.test, settings.seed)
        else:
            rest = np.setdiff1d(everything, test)
        # The fixed test set may have left a class too few.
        _check(units, settings, rest)
        folds = [
            _fold(units, settings, number, fitting, held_out, test)
            for number, (fitting, held_out) in enumerate(_sides(units, settings, rest))
        ]
    except DataError:
        raise
    except ValueError as error:
        # Scikit-learn's own words for shares that leave nothing to draw.
        raise DataError(
            f"{settings.scheme}: the shares cannot be drawn ({error}); change them, or add data"
        ) from None
    return Split(settings.scheme, units.by, settings.seed, tuple(folds))


def _check(units: Units, settings: SchemeSettings, taken: Positions) -> None:
    """Refuse units that no scheme, or not this one, could divide."""
    names, counts = np.unique(units.strata[taken], return_counts=True)
    if len(names) < 2:
        raise DataError(
            f"all images have the class {str(names[0])!r}: a network needs at least two; add the "
            "others"
        )
    folded = settings.scheme in ("kfold", "stratified-kfold")
    if folded and settings.folds < 2:
        raise DataError(f"{settings.scheme}: 1 fold holds nothing out; ask for at least 2")
    needed = settings.folds if folded else 2
    scarce = int(counts.argmin())
    if counts[scarce] < needed:
        raise DataError(
            f"{names[scarce]}: {counts[scarce]} {units.by}(s) cannot be divided into {needed}; "
            "ask for fewer folds or a smaller test set, or add data"
        )


def _fold(
    units: Units,
    settings: SchemeSettings,
    number: int,
    fitting: Positions,
    held_out: Positions,
    test: Positions,
) -> Fold:
    """Cut the training side of a fold into its parts."""
    seed = (settings.seed + number) % 2**32
    distinct = np.unique(fitting)
    stop_share = 0.0 if len(test) else settings.stop
    left, stop = _cut(units, distinct, stop_share, seed)
    # Both shares are of the whole training side.
    _, calibrate = _cut(units, left, settings.calibrate / (1 - stop_share), seed)
    train = fitting[~np.isin(fitting, np.concatenate([stop, calibrate]))]
    if not stop_share:
        stop = held_out
    chosen = {
        "train": train,
        "stop": stop,
        "calibrate": calibrate,
        "report": test if len(test) else held_out,
    }
    for part in ("train", "report"):
        if not len(chosen[part]):
            raise DataError(f"fold {number + 1}: its {part} part is empty; change the shares")
    return Fold({part: units.positions(taken) for part, taken in chosen.items()})


def _cut(units: Units, taken: Positions, share: float, seed: int) -> tuple[Positions, Positions]:
    """Take a stratified share out of some units."""
    if not share:
        return taken, np.empty(0, dtype=np.int64)
    cut = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    left, out = next(cut.split(taken, units.strata[taken]))
    return taken[left], taken[out]


def _sides(
    units: Units, settings: SchemeSettings, taken: Positions
) -> Iterator[tuple[Positions, Positions]]:
    """Give each fold's training side and held-out side."""
    strata = units.strata[taken]
    folds, seed, share = settings.folds, settings.seed, settings.holdout
    if settings.scheme == "bootstrap":
        draws = len(taken) - math.ceil(share * len(taken))
        for number in range(folds):
            drawn = resample(
                taken, n_samples=draws, stratify=strata, random_state=(seed + number) % 2**32
            )
            yield np.sort(drawn), np.setdiff1d(taken, drawn)
        return
    splitters = {
        "holdout": lambda: ShuffleSplit(folds, test_size=share, random_state=seed),
        "monte-carlo": lambda: StratifiedShuffleSplit(folds, test_size=share, random_state=seed),
        "kfold": lambda: KFold(folds, shuffle=True, random_state=seed),
        "stratified-kfold": lambda: StratifiedKFold(folds, shuffle=True, random_state=seed),
    }
    for fitting, held_out in splitters[settings.scheme]().split(taken, strata):
        yield taken[fitting], taken[held_out]
