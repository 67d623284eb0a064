"""A search's journal: JSON lines, one of what the search is, then one per finished step.

A line holds every evaluation of its step and is on the disk before the next step begins, so that an
interrupted search loses the step it was in and nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pneumoscope.errors import InputError
from pneumoscope.files import read_limited, told, write_files

JOURNAL = "journal.jsonl"
MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One mask and its objective.

    Attributes
    ----------
    mask : str
        See `pneumoscope.lab.tuning.masks.pack`.
    objective : float
        Lower is better.
    """

    mask: str
    objective: float


@dataclass(frozen=True, slots=True)
class Step:
    """One generation, or the masks of one rate.

    Attributes
    ----------
    number : int
        Counted from 0, the first population.
    asked : int
        Masks asked for, with those that were evaluated before.
    best : float
        Lowest objective so far.
    best_drop_share : float
        Share of zeros of that mask.
    mean, spread : float
        Mean and standard deviation of the asked masks' objectives.
    seconds : float
        Since the search began, over all its sittings.
    evaluations : tuple of Evaluation
        Masks that were evaluated in this step, in the order they were asked for.
    """

    number: int
    asked: int
    best: float
    best_drop_share: float
    mean: float
    spread: float
    seconds: float
    evaluations: tuple[Evaluation, ...]


class Journal:
    """Reads what a search did before, and writes what it does.

    Parameters
    ----------
    path : Path
        Of the journal; see `start` and `resume`.
    steps : tuple of Step
        What it holds already.
    """

    def __init__(self, path: Path, steps: tuple[Step, ...] = ()) -> None:
        self.path = path
        self.steps = steps

    @classmethod
    def start(cls, path: Path, header: Mapping[str, Any]) -> Journal:
        """Begin a journal with what the search depends on.

        Raises
        ------
        InputError
            It cannot be written.
        """
        write_files({path: _line(header)})
        return cls(path)

    @classmethod
    def resume(cls, path: Path, header: Mapping[str, Any]) -> Journal:
        """Read a journal, and cut off a last line that was not finished.

        Raises
        ------
        InputError
            It cannot be read or written, is damaged, or is that of another search.
        """
        try:
            content = read_limited(path, MAX_BYTES)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        whole = content[: content.rfind(b"\n") + 1]
        try:
            first, *rest = (json.loads(line) for line in whole.splitlines())
            stored = dict(first)
            differing = sorted(k for k in {*stored, *header} if stored.get(k) != header.get(k))
            if differing:
                raise InputError(
                    f"{path}: is of another search ({', '.join(differing)} differ); give another "
                    "folder"
                )
            steps = tuple(_step(number, line) for number, line in enumerate(rest))
        except InputError:
            raise
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: is damaged; search again in another folder") from None
        if len(whole) < len(content):
            with told(str(path)):
                os.truncate(path, len(whole))
        return cls(path, steps)

    def append(self, step: Step) -> None:
        """Write a step so that it outlives the process and the machine.

        Raises
        ------
        InputError
            The disk is full, say.
        """
        with told(str(self.path)), self.path.open("ab") as stream:
            stream.write(_line(asdict(step)))
            stream.flush()
            os.fsync(stream.fileno())


def _line(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, allow_nan=False) + "\n").encode()


def _step(number: int, line: dict[str, Any]) -> Step:
    evaluations = tuple(Evaluation(**one) for one in line.pop("evaluations"))
    step = Step(**line, evaluations=evaluations)
    if step.number != number:
        raise ValueError(f"step {step.number} stands at the place of step {number}")
    return step
