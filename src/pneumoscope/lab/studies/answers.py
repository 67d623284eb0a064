"""What a study's page is written from, image by image, so that any figure can be computed again.

The file beside a page holds identifiers and probabilities, no pictures.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.errors import InputError
from pneumoscope.files import read_limited, told, write_files
from pneumoscope.lab.datasets import digest

FOLDER, SUFFIX = "answers", ".json.xz"
FORMAT = 1
LARGEST = 64 << 20
"""Bytes of a file of answers; the largest study's are some hundred kilobytes."""
_MAPS = "evidence"
_NOT_FINISHED = ": the study was not finished; run it without --recompute"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What one training gave on its report part.

    Attributes
    ----------
    classes : tuple of str
        Columns of `probabilities`.
    epochs : tuple of mapping of str to float
        `train_loss`, `train_accuracy`, `stop_loss`, `stop_accuracy` of each epoch.
    files, patients, labels : tuple of str
        Of the report part's images.
    probabilities : ndarray, shape (images, classes)
        Of the checkpoint that is measured, uncalibrated, by the head of each image's own age group.
    certificate : str
        Checksum of the split's certificate.
    leaks : tuple of str
        What crosses the split's borders; empty for an honest one.
    evidence : ndarray, shape (images, rows, columns), or None
        The map of the class shown, 0..1; None for a recipe without an evidence map.
    images : mapping of str to int
        How many images each part of the split has; one drawn twice counts twice.
    """

    classes: tuple[str, ...]
    epochs: tuple[Mapping[str, float], ...]
    files: tuple[str, ...]
    patients: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    certificate: str
    leaks: tuple[str, ...]
    evidence: NDArray[np.float64] | None = None
    images: Mapping[str, int] = field(default_factory=dict)

    @property
    def truth(self) -> NDArray[np.int64]:
        """Column of each image's label."""
        return np.array([self.classes.index(label) for label in self.labels])

    @property
    def accuracy(self) -> float:
        """Share of images whose most probable class is theirs."""
        return float((self.probabilities.argmax(axis=1) == self.truth).mean())

    def curve(self, figure: str) -> list[float]:
        """One figure of every epoch."""
        return [epoch[figure] for epoch in self.epochs]


def experiment_key(recipe: Mapping[str, Any], certificate: str, *, last: bool = False) -> str:
    """Checksum of all that a training's result depends on, the program aside.

    Parameters
    ----------
    recipe : mapping
        The recipe's contents.
    certificate : str
        Checksum of the split's certificate.
    last : bool
        Whether the last epoch is measured, and not the best.
    """
    return digest([recipe, certificate, *(["last"] if last else [])])


def result_of(body: Mapping[str, Any]) -> Result:
    """Read an experiment's kept JSON object.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is not one.
    """
    return Result(
        classes=tuple(body["classes"]),
        epochs=tuple(body["epochs"]),
        files=tuple(body["files"]),
        patients=tuple(body["patients"]),
        labels=tuple(body["labels"]),
        probabilities=np.array(body["probabilities"], dtype=np.float64),
        certificate=body["certificate"],
        leaks=tuple(body["leaks"]),
        evidence=None if body.get(_MAPS) is None else np.array(body[_MAPS]),
        images=dict(body.get("images", {})),
    )


@dataclass(slots=True, eq=False)
class Answers:
    """What a study measured: all that its page is written from.

    Attributes
    ----------
    sources : dict of str to str
        The data sets, by checksum.
    facts : dict of str to JSON values
        What else the page tells, such as the rate that a search found.
    experiments : dict of str to mapping
        Each training's JSON object, by the experiment's name; see `result_of`.
    """

    sources: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    experiments: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def result(self, name: str, recipe: Mapping[str, Any] | None = None) -> Result:
        """One experiment's result.

        Parameters
        ----------
        name : str
        recipe : mapping, optional
            What it must have been trained by.

        Raises
        ------
        InputError
            It is not among the answers, or of another recipe.
        """
        if name not in self.experiments:
            raise InputError(f"the kept answers lack the experiment {name!r}{_NOT_FINISHED}")
        body = self.experiments[name]
        if recipe is not None and body["key"] != experiment_key(recipe, body["certificate"]):
            raise InputError(
                f"the kept answers of {name!r} are of another recipe than the study has now; run "
                "it without --recompute"
            )
        return result_of(body)

    def fact(self, name: str) -> Any:
        """One of the facts.

        Raises
        ------
        InputError
            It is not among the answers.
        """
        if name not in self.facts:
            raise InputError(f"the kept answers lack what is known of {name!r}{_NOT_FINISHED}")
        return self.facts[name]

    def made_with(self, what: str) -> list[str]:
        """What made the experiments, such as their `commit` or `machine`, each once."""
        return sorted({body["made_with"].get(what, "?") for body in self.experiments.values()})

    def seconds(self) -> float:
        """How long the trainings took together; those that were interrupted are left out."""
        return sum(body.get("seconds") or 0 for body in self.experiments.values())


def answers_path(page: Path) -> Path:
    """Where the answers of a page are kept; `page` without its suffix."""
    return page.parent / FOLDER / f"{page.name}{SUFFIX}"


def write_answers(page: Path, answers: Answers) -> None:
    """Keep a study's answers beside its page.

    Raises
    ------
    InputError
        The file cannot be written.
    ValueError
        An experiment has maps of evidence, which would make the file many times as large.
    """
    if any(body.get(_MAPS) is not None for body in answers.experiments.values()):
        raise ValueError("answers are kept without maps of evidence")
    path = answers_path(page)
    with told(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "format": FORMAT,
        "sources": answers.sources,
        "facts": answers.facts,
        "experiments": answers.experiments,
    }
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    write_files({path: lzma.compress(text.encode())})


def read_answers(page: Path) -> Answers:
    """Read the answers that are kept beside a page.

    Raises
    ------
    InputError
        There are none, or they are damaged.
    """
    path = answers_path(page)
    try:
        return _read(path)
    except FileNotFoundError:
        raise InputError(
            f"{path}: no answers are kept there; run the study without --recompute"
        ) from None


def kept_answers(page: Path) -> Answers:
    """Read the answers that are kept beside a page; empty ones where there are none.

    Raises
    ------
    InputError
        They are damaged.
    """
    try:
        return _read(answers_path(page))
    except FileNotFoundError:
        return Answers()


def _read(path: Path) -> Answers:
    try:
        unpacked = lzma.LZMADecompressor()
        document = json.loads(unpacked.decompress(read_limited(path, LARGEST), LARGEST))
        if not unpacked.eof:
            raise ValueError("cut short, or too large")
        if document["format"] != FORMAT:
            raise ValueError("another format")
        experiments = dict(document["experiments"])
        for body in experiments.values():
            result_of(body)
            if not (isinstance(body["key"], str) and isinstance(body["made_with"], dict)):
                raise TypeError("no key or provenance")
        return Answers(dict(document["sources"]), dict(document["facts"]), experiments)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, lzma.LZMAError):
        raise InputError(f"{path}: is damaged; remove it and run the study again") from None


def kept_experiments(page: Path) -> dict[str, Mapping[str, Any]]:
    """All experiments whose answers are kept in a page's folder, of any study, by their key.

    Raises
    ------
    InputError
        A file of answers is damaged.
    """
    files = sorted(answers_path(page).parent.glob(f"*{SUFFIX}"))
    bodies = (body for path in files for body in _read(path).experiments.values())
    return {body["key"]: body for body in bodies}
