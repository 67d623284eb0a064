"""From folders of images to the packaged picture check: train, calibrate, measure, write."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from pneumoscope.errors import InputError
from pneumoscope.files import write_files
from pneumoscope.imaging import equalise, reduce_by_area
from pneumoscope.inference import (
    CHECK_OUTPUT,
    LEARNT_CODES,
    PictureChecker,
    PictureCheckRecord,
)
from pneumoscope.lab.lungs.export import check_parity, to_graph
from pneumoscope.lab.lungs.run import rounded
from pneumoscope.lab.picture_check.measure import (
    FALSE_REFUSALS,
    FALSE_WARNINGS,
    choose_thresholds,
    measure,
    see_ordinary,
)
from pneumoscope.lab.picture_check.pictures import Part, Pool, gather
from pneumoscope.lab.picture_check.terms import sets_of
from pneumoscope.lab.picture_check.train import SPEC, STEPS, train

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PictureCheckResult:
    """What a training of the picture check wrote.

    Attributes
    ----------
    graph, record : Path
        The two files.
    figures : dict
        As in the record; see `measure`.
    """

    graph: Path
    record: Path
    figures: dict[str, Any]


def train_picture_check(
    data: Path,
    out: Path,
    *,
    steps: int = STEPS,
    phantoms: int | None = None,
) -> PictureCheckResult:
    """Train the picture check, calibrate it, measure it, and write it.

    Parameters
    ----------
    data : Path
        Holds the folders that `pictures` names.
    out : Path
        The graph, ending in ``.onnx``; its record lies beside it and ends in ``.json``.
    steps : int
        Batches of training.
    phantoms : int, optional
        How many to draw for each part.

    Returns
    -------
    PictureCheckResult

    Raises
    ------
    InputError
        `out` cannot be written, or a folder cannot be used.
    """
    if out.suffix != ".onnx":
        raise InputError(f"{out}: the graph's name must end in .onnx; give such a name")
    cv2.setNumThreads(1)
    graph, record = train_and_calibrate(gather(data, phantoms), data, steps, phantoms)
    figures = rounded(measure(PictureChecker(graph, record), data, phantoms))
    told = record.model_copy(update={"figures": figures}).model_dump_json(indent=1) + "\n"
    beside = out.with_suffix(".json")
    write_files({out: graph, beside: told.encode()})
    return PictureCheckResult(out, beside, figures)


def train_and_calibrate(
    pool: Pool, data: Path, steps: int = STEPS, phantoms: int | None = None
) -> tuple[bytes, PictureCheckRecord]:
    """Train on a pool, and choose the thresholds on the calibration part.

    Parameters
    ----------
    pool : Pool
    data : Path
        Holds the folders of the calibration part.
    steps : int
        Batches of training.
    phantoms : int, optional
        How many to calibrate on.

    Returns
    -------
    graph : bytes
    record : PictureCheckRecord
        Without figures.
    """
    began = time.process_time()
    network = train(pool, steps)
    trained = time.process_time()
    graph = to_graph(network, SPEC.size, CHECK_OUTPUT)
    some = [reduce_by_area(grey / np.float32(255), SPEC.size) for grey in pool.chests[::40]]
    parity = check_parity(network, graph, np.stack([equalise(grey, SPEC) for grey in some]))
    record = PictureCheckRecord(
        sha256=hashlib.sha256(graph).hexdigest(),
        size=SPEC.size,
        clahe_clip=SPEC.clahe_clip,
        clahe_tiles=SPEC.clahe_tiles,
        thresholds=dict.fromkeys(LEARNT_CODES, 1.0),
        training_sets=sets_of(pool),
        made_with={
            "command": "pneumoscope train-picture-check",
            "steps": steps,
            "torch": torch.__version__,
            "opencv": cv2.__version__,
            "machine": platform.machine(),
            "processor_seconds": round(trained - began),
            "largest_difference_to_torch": parity,
        },
        figures={},
    )
    seen = see_ordinary(PictureChecker(graph, record), data, Part.CALIBRATION, phantoms)
    thresholds = choose_thresholds(seen, FALSE_REFUSALS, FALSE_WARNINGS)
    return graph, record.model_copy(update={"thresholds": thresholds})
