"""From folders of images to the packaged segmenter: train, check, measure, write."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from pneumoscope.errors import InputError
from pneumoscope.files import write_files
from pneumoscope.imaging import equalise, reduce_by_area
from pneumoscope.inference import LungFields, LungFieldsRecord, PackagedTrainingSet
from pneumoscope.lab.lungs.examples import masked_radiographs
from pneumoscope.lab.lungs.export import check_parity, to_graph
from pneumoscope.lab.lungs.measure import choose_certainty, look, measure
from pneumoscope.lab.lungs.train import SPEC, STEPS, TrainingSet, gather, train

_log = logging.getLogger(__name__)

LEAST_AREA = 0.02
"""Share of the picture from which a region counts as a lung."""
FALSE_ALARMS = 0.005
"""Share of radiographs, of each source, in which a lung may be missed."""

CHALLENGE = (
    "RSNA Pneumonia Detection Challenge 2018, Shih et al. 2019, Radiology Artificial Intelligence "
    "1:e180041, doi:10.1148/ryai.2019180041; images of NIH ChestX-ray14, Wang et al. 2017, "
    "doi:10.1109/CVPR.2017.369"
)
_SETS: Mapping[str, tuple[str, str, str]] = {
    "lungs-tb": (
        "adults, half of them with tuberculosis; masks drawn by hand",
        "research; the masks of Shenzhen CC BY-NC-SA 4.0",
        "Jaeger et al. 2014, Quantitative Imaging in Medicine and Surgery 4:475, "
        "doi:10.3978/j.issn.2223-4292.2014.11.20; masks of Shenzhen: Stirenko et al. 2018, "
        "arXiv:1803.01199",
    ),
    "rsna": ("adults (5% under 18); masks of a network", "non-commercial research", CHALLENGE),
    "rsna-normals": (
        "adults without findings; masks of a network",
        "non-commercial research",
        CHALLENGE,
    ),
    "nih-graded": (
        "adults (5% under 18); masks of a network",
        "non-commercial research",
        CHALLENGE,
    ),
}


@dataclass(frozen=True, slots=True)
class LungsResult:
    """What a training of the segmenter wrote.

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


def train_lungs(data: Path, out: Path, *, steps: int = STEPS) -> LungsResult:
    """Train the segmenter, measure it, and write it.

    Parameters
    ----------
    data : Path
        Holds the folders that `examples` names.
    out : Path
        The graph, ending in ``.onnx``; its record lies beside it and ends in ``.json``.
    steps : int
        Batches of training.

    Returns
    -------
    LungsResult

    Raises
    ------
    InputError
        `out` cannot be written, or a folder cannot be used.
    """
    if out.suffix != ".onnx":
        raise InputError(f"{out}: the graph's name must end in .onnx; give such a name")
    cv2.setNumThreads(1)
    began = time.process_time()
    examples = gather(masked_radiographs(data))
    _log.info("training on %d radiographs", len(examples.grey))
    network = train(examples, steps)
    trained = time.process_time()
    graph = to_graph(network, SPEC.size)
    some = [reduce_by_area(grey / np.float32(255), SPEC.size) for grey in examples.grey[::40]]
    parity = check_parity(network, graph, np.stack([equalise(grey, SPEC) for grey in some]))
    record = LungFieldsRecord(
        sha256=hashlib.sha256(graph).hexdigest(),
        size=SPEC.size,
        clahe_clip=SPEC.clahe_clip,
        clahe_tiles=SPEC.clahe_tiles,
        least_area=LEAST_AREA,
        least_certainty=0,
        training_sets=_sets(examples),
        made_with={
            "command": "pneumoscope train-lungs",
            "steps": steps,
            "torch": torch.__version__,
            "opencv": cv2.__version__,
            "machine": platform.machine(),
            "processor_seconds": round(trained - began),
            "largest_difference_to_torch": parity,
        },
        figures={},
    )
    seen = look(LungFields(graph, record), data)
    certainty = choose_certainty(seen, FALSE_ALARMS)
    record = record.model_copy(update={"least_certainty": certainty})
    figures = rounded(measure(LungFields(graph, record), seen, data))
    told = record.model_copy(update={"figures": figures}).model_dump_json(indent=1) + "\n"
    beside = out.with_suffix(".json")
    write_files({out: graph, beside: told.encode()})
    return LungsResult(out, beside, figures)


def _sets(examples: TrainingSet) -> tuple[PackagedTrainingSet, ...]:
    """Say what was learnt from, and under which terms."""
    counts = Counter(examples.sources)
    return tuple(
        PackagedTrainingSet(
            name=name,
            population=population,
            licence=licence,
            citation=citation,
            images=counts[name],
        )
        for name, (population, licence, citation) in _SETS.items()
        if counts[name]
    )


def rounded(value: Any) -> Any:
    """Round every number in nested figures to five decimals."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list) else value
