"""Is a trial's network better than a bundle's, on the parts that may decide?

RUN is a run folder of a recipe like recipes/chest-2.yaml, BUNDLE a bundle trained on the same
split. Both answer the images of the run's stop and calibrate parts, uncalibrated; the report part
is left alone. Prints each figure of both, and the difference (run minus bundle) with its 95%
interval from a bootstrap paired over the patients. The stop part has chosen each network's
checkpoint, so both are favoured a little.

With --reproduction, RUN is a second run of the bundle's own recipe: both answer the report part,
and each figure of the run is held against the bundle's 95% interval. Nothing may be chosen by that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pneumoscope.bundles import read_bundle
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.chest_heads_measure import Metric, Pooled, metrics_of, pool
from pneumoscope.lab.training import Recipe, read_recipe
from pneumoscope.lab.training.answers import answers_of, groups_of
from pneumoscope.lab.training.prepare import PreparedData, read_source_boxes
from pneumoscope.lab.training.run_folder import BEST, RECIPE, prepare_again
from pneumoscope.lab.training.weights import build_network, load_weights
from pneumoscope.metrics import Estimate, auroc, bootstrap

RUN, BUNDLE = "run", "bundle"
HIGHEST = "adults: AUROC, PNEUMONIA, by the map's highest cell"

Floats = NDArray[np.float64]
Outputs = tuple[Floats, Floats]
"""Logits (images, age groups, classes) and evidence (images, maps, rows, columns)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--reproduction", action="store_true")
    given = parser.parse_args()
    recipe_path = given.run / RECIPE
    recipe = read_recipe(recipe_path)
    data = prepare_again(given.run, recipe, recipe_path)
    parts = ("report",) if given.reproduction else ("stop", "calibrate")
    rows = np.concatenate([data.split.indices(part) for part in parts])
    boxes = read_source_boxes(recipe, recipe_path, data.collection)
    found = {
        RUN: [_result(recipe, data, rows, _of_run(given.run, recipe, data, rows))],
        BUNDLE: [_result(recipe, data, rows, _of_bundle(given.bundle, recipe, data, rows))],
    }
    pooled = pool(recipe, data.collection, boxes, found)
    evidence = {name: results[0].evidence for name, results in found.items()}
    metrics = {name: metrics_of(pooled, name) | _highest(pooled, evidence[name]) for name in found}
    print(f"{int(pooled.children.sum())} children, {int((~pooled.children).sum())} adults")
    for figure, run in metrics[RUN].items():
        bundle = metrics[BUNDLE][figure]
        measured = bootstrap(
            {RUN: run, BUNDLE: bundle, "difference": _minus(run, bundle)},
            pooled.patients.tolist(),
        )
        print(f"{figure}: {_told(measured, reproduction=given.reproduction)}")


def _told(measured: dict[str, Estimate], *, reproduction: bool) -> str:
    run, bundle, gain = (measured[name] for name in (RUN, BUNDLE, "difference"))
    text = (
        f"{run.value:.4f} against {bundle.value:.4f}, "
        f"difference {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
    )
    if not reproduction:
        return text
    inside = bundle.low <= run.value <= bundle.high
    where = "inside" if inside else "OUTSIDE"
    return f"{text}; {where} the bundle's {bundle.low:.4f} to {bundle.high:.4f}"


def _minus(one: Metric, other: Metric) -> Metric:
    return lambda weights: np.asarray(one(weights) - other(weights))


def _of_run(folder: Path, recipe: Recipe, data: PreparedData, rows: NDArray[np.int64]) -> Outputs:
    network = build_network(recipe)
    load_weights(network, folder / BEST)
    network.eval()
    answers = answers_of(network, data, recipe, rows)
    assert answers.evidence is not None
    return answers.logits, answers.evidence.astype(np.float64)


def _of_bundle(
    folder: Path, recipe: Recipe, data: PreparedData, rows: NDArray[np.int64]
) -> Outputs:
    session = onnxruntime.InferenceSession(read_bundle(folder).graph)
    spec = read_bundle(folder).description.input.spec()
    if spec != recipe.input.spec:
        raise SystemExit(f"{folder}: reads other images than the run ({spec})")
    dataset = RadiographDataset(data.collection, rows, spec)
    logits, evidence = zip(*_answers(session, dataset), strict=True)
    return np.stack(logits).astype(np.float64), np.stack(evidence).astype(np.float64)


def _answers(
    session: onnxruntime.InferenceSession, dataset: RadiographDataset
) -> Iterator[list[NDArray[np.float32]]]:
    for place in range(len(dataset)):
        images = dataset[place][0].numpy()[np.newaxis]
        yield [each[0] for each in session.run(["logits", "evidence"], {"images": images})]


def _result(
    recipe: Recipe, data: PreparedData, rows: NDArray[np.int64], outputs: Outputs
) -> Result:
    """Give each image the answer of its own age group's head."""
    logits, evidence = outputs
    assert recipe.evidence is not None
    mine = logits[np.arange(len(rows)), groups_of(recipe, data)[rows]]
    shares = np.exp(mine - mine.max(axis=1, keepdims=True))
    return Result(
        classes=recipe.classes,
        epochs=(),
        files=tuple(data.collection.files[row] for row in rows.tolist()),
        patients=tuple(data.collection.patients[row] for row in rows.tolist()),
        labels=tuple(recipe.classes[label] for label in data.collection.labels[rows].tolist()),
        probabilities=shares / shares.sum(axis=1, keepdims=True),
        certificate="",
        leaks=(),
        evidence=evidence[:, recipe.evidence.classes.index(recipe.evidence.shown)],
    )


def _highest(pooled: Pooled, evidence: Floats | None) -> dict[str, Metric]:
    """Rank the adults by their map alone."""
    assert evidence is not None
    adults = ~pooled.children
    highest = evidence.reshape(len(evidence), -1).max(axis=1)[adults]
    positive = (pooled.true == pooled.positive)[adults]
    return {HIGHEST: lambda weights: auroc(highest, positive, weights[..., adults])}


if __name__ == "__main__":
    main()
