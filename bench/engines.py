"""How fast a bundle's network answers, explanation included, by engine and precision.

    python bench/engines.py [--bundle NAME] [--recipe FILE] [--batches 1 16] [--rounds N]

Times are wall-clock time for an image, as ratios to eager PyTorch within one round; all engines
take turns. PyTorch runs the recipe's network untrained, and int8 is calibrated on phantoms: neither
changes the time. Run it alone: a second job on the same cores makes every figure meaningless.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.bundles import DEFAULT_BUNDLE, SINGLE, Bundle, find_bundle
from pneumoscope.errors import InputError
from pneumoscope.imaging import to_input
from pneumoscope.inference import ENGINES, available_cores
from pneumoscope.lab.training import read_recipe
from pneumoscope.lab.training.distance import Distance
from pneumoscope.lab.training.graph import Exported
from pneumoscope.lab.training.quantise import quantise
from pneumoscope.lab.training.weights import build_network
from pneumoscope.synthetic import draw_phantom

RECIPES = Path(__file__).parents[1] / "recipes"
EAGER = "PyTorch, eager"
CALIBRATING = 8

Images = NDArray[np.float32]
Run = Callable[[Images], object]


def phantoms(bundle: Bundle, count: int) -> Images:
    spec = bundle.description.input.spec()
    drawn = [draw_phantom(seed, size=512, opacity=bool(seed % 2)) for seed in range(count)]
    return np.stack([to_input(each.pixels, spec) for each in drawn])


def network(bundle: Bundle, recipe: Path) -> Exported:
    """The recipe's network, untrained, with the outputs of the bundle."""
    told, described = read_recipe(recipe), bundle.description
    plain = build_network(told).eval()
    groups = len(described.age_groups)
    distance = None
    if described.distance_limits:
        with torch.no_grad():
            outputs = plain.outputs(torch.from_numpy(phantoms(bundle, 2)))
        features = outputs["embedding"].shape[1]
        distance = Distance(np.zeros((groups, features)), np.stack([np.eye(features)] * groups))
    return Exported(
        plain,
        evidence=described.evidence is not None,
        age_groups=groups > 1,
        distance=distance,
    ).eval()


def in_torch(module: Callable[..., object]) -> Run:
    def run(images: Images) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(images))

    return run


def rows(bundle: Bundle, recipe: Path) -> dict[tuple[str, str], Run | str]:
    """By engine and precision, what runs the network, or why it does not."""
    cores, module = available_cores(), network(bundle, recipe)
    torch.set_num_threads(cores)
    found: dict[tuple[str, str], Run | str] = {
        (EAGER, SINGLE): in_torch(module),
        ("PyTorch, compiled", SINGLE): in_torch(torch.compile(module, dynamic=False)),
    }
    graphs = {SINGLE: bundle.graph, "bf16": bundle.graph}
    graphs["int8"] = quantise(bundle.graph, phantoms(bundle, CALIBRATING))
    asked = [("onnxruntime", SINGLE), ("onnxruntime", "int8")]
    asked += [("openvino", precision) for precision in (SINGLE, "bf16", "int8")]
    for engine, precision in asked:
        try:
            loaded = ENGINES[engine](graphs[precision], precision, cores)
        except InputError as error:
            found[engine, precision] = str(error).partition(";")[0]
            continue
        names = [node.name for node in loaded.outputs]
        found[engine, precision] = lambda images, at=loaded, names=names: at.run(images, names)
    return found


def seconds(run: Run, images: Images) -> float:
    start = time.perf_counter()
    run(images)
    return (time.perf_counter() - start) / len(images)


def measure(
    bundle: Bundle, runs: dict[tuple[str, str], Run | str], batch: int, rounds: int
) -> None:
    images = phantoms(bundle, batch)
    times: dict[tuple[str, str], list[float]] = {}
    for name, run in list(runs.items()):
        if isinstance(run, str):
            continue
        try:
            run(images)  # loads, compiles, and is not counted
        except Exception as error:
            runs[name] = f"does not run here: {type(error).__name__}"
            continue
        times[name] = []
    for _ in range(rounds):
        for name, run in runs.items():
            if not isinstance(run, str):
                times[name].append(seconds(run, images))
    eager = times[EAGER, SINGLE]
    print(f"\n{batch} at once | | ms an image | times as fast as eager, least to most")
    print("--- | --- | --- | ---")
    for (engine, precision), run in runs.items():
        if isinstance(run, str):
            print(f"{engine} | {precision} | - | {run}")
            continue
        mine = times[engine, precision]
        ratios = [ours / theirs for ours, theirs in zip(eager, mine, strict=True)]
        print(
            f"{engine} | {precision} | {1000 * statistics.median(mine):.1f} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--recipe", type=Path, default=RECIPES / "chest-2.yaml")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    bundle = find_bundle(options.bundle)
    described = bundle.description
    print(
        f"{platform.processor() or platform.machine()}, {available_cores()} cores; bundle "
        f"{described.name} {described.version}, {described.input.size} pixels; "
        f"{options.rounds} rounds"
    )
    runs = rows(bundle, options.recipe)
    for batch in options.batches:
        measure(bundle, runs, batch, options.rounds)


if __name__ == "__main__":
    main()
