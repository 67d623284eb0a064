"""The account that every method keeps: what was evaluated, what it cost, when it must end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.lab.tuning.journal import Evaluation, Journal, Step
from pneumoscope.lab.tuning.masks import Masks, drop_share, pack, unpack
from pneumoscope.lab.tuning.settings import SearchSettings

Evaluate = Callable[[Masks], NDArray[np.float64]]
Progress = Callable[[Step], None]
_log = logging.getLogger(__name__)


class Ledger:
    """Evaluates masks within a budget, never one twice, and writes each step down.

    A journal that holds steps already is gone through first: the method asks for the same masks
    again, and gets the objectives that were written down. From there on it goes on as if it had
    never been interrupted.

    Parameters
    ----------
    evaluate : callable
        Masks (n, units) to objectives (n,).
    units : int
    settings : SearchSettings
        Its `evaluations` and `minutes` are the budget.
    journal : Journal
    progress : callable, optional
        Called after every new step.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        units: int,
        settings: SearchSettings,
        journal: Journal,
        progress: Progress | None = None,
    ) -> None:
        self.units = units
        self.asked = 0
        self.steps: list[Step] = []
        self._evaluate = evaluate
        self._settings = settings
        self._journal = journal
        self._progress = progress
        self._before, self._began = 0.0, time.monotonic()
        self._known: dict[str, float] = {}

    @property
    def evaluations(self) -> int:
        """Masks evaluated so far."""
        return len(self._known)

    @property
    def seconds(self) -> float:
        """What the finished steps took, over all sittings; going through a journal adds nothing."""
        return self.steps[-1].seconds if self.steps else 0.0

    @property
    def spent(self) -> bool:
        """Whether the budget is used up."""
        if len(self.steps) < len(self._journal.steps):
            return False
        limit, minutes = self._settings.evaluations, self._settings.minutes
        if limit is not None and self.evaluations >= limit:
            return True
        return minutes is not None and self.seconds >= 60 * minutes

    def evaluate(self, masks: Masks) -> NDArray[np.float64]:
        """Give the objectives of one step's masks.

        Parameters
        ----------
        masks : ndarray of bool, shape (n, units)

        Returns
        -------
        ndarray, shape (n,)
            Not a number for those that the budget did not reach, and only for those.

        Raises
        ------
        InputError
            The journal cannot be written, or the steps it holds are not those that are asked for.
        """
        keys = [pack(mask) for mask in masks]
        # A dictionary, as it keeps the order and holds a mask once.
        fresh = {k: mask for k, mask in zip(keys, masks, strict=True) if k not in self._known}
        if self._settings.evaluations is not None:
            left = max(self._settings.evaluations - self.evaluations, 0)
            fresh = dict(list(fresh.items())[:left])
        number = len(self.steps)
        if number < len(self._journal.steps):
            self._replay(self._journal.steps[number], list(fresh))
        elif fresh:
            values = self._evaluate(np.stack(list(fresh.values()))).tolist()
            self._known |= dict(zip(fresh, values, strict=True))
        objectives = np.array([self._known.get(key, np.nan) for key in keys])
        self.asked += len(keys)
        self._close(objectives, list(fresh))
        return objectives

    def lowest(self, count: int) -> Masks:
        """Give the masks with the lowest objectives, best first, the earlier one of equal ones."""
        keys = sorted(self._known, key=self._known.__getitem__)[:count]
        return np.stack([unpack(key, self.units) for key in keys])

    def _replay(self, step: Step, asked: list[str]) -> None:
        if [one.mask for one in step.evaluations] != asked:
            raise InputError(
                f"{self._journal.path}: step {step.number} cannot be repeated, so the libraries "
                "changed since; search again in another folder"
            )
        self._known |= {one.mask: one.objective for one in step.evaluations}

    def _close(self, objectives: NDArray[np.float64], fresh: list[str]) -> None:
        number = len(self.steps)
        if number < len(self._journal.steps):
            self.steps.append(self._journal.steps[number])
            self._before, self._began = self.seconds, time.monotonic()
            return
        best = min(self._known, key=self._known.__getitem__)
        step = Step(
            number=number,
            asked=len(objectives),
            best=self._known[best],
            best_drop_share=float(drop_share(unpack(best, self.units))),
            mean=float(np.nanmean(objectives)),
            spread=float(np.nanstd(objectives)),
            seconds=round(self._before + time.monotonic() - self._began, 3),
            evaluations=tuple(Evaluation(key, self._known[key]) for key in fresh),
        )
        self._journal.append(step)
        self.steps.append(step)
        _log.debug("step %d: best %.6g, %d masks", number, step.best, self.evaluations)
        if self._progress is not None:
            self._progress(step)
