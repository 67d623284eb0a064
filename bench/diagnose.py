"""Time the way from a file to its JSON: cold (a new process) and warm (a loaded bundle).

    python bench/diagnose.py [--image FILE] [--repeats N]

Without --image it draws a phantom as DICOM. Run it alone: a second job on the same cores makes
every figure meaningless.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.utils
import onnxruntime

from pneumoscope.bundles import DEFAULT_BUNDLE, find_bundle
from pneumoscope.documents import dump, to_document
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.inference import available_cores, open_engine, to_heatmap
from pneumoscope.synthetic import draw_phantom, write_dicom
from pneumoscope.workflow import Reader


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock time of a call, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def without_explanation(graph: bytes) -> onnxruntime.InferenceSession:
    """Cut the Grad-CAM out of a graph, to see what it costs."""
    model = onnx.utils.Extractor(onnx.load_model_from_string(graph)).extract_model(
        ["images"], ["logits"]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def measure(image: Path, name: str, repeats: int) -> None:
    bundle = find_bundle(name)
    reader, engine = Reader(bundle), open_engine(bundle)
    spec = bundle.description.input.spec()
    radiograph = read_radiograph(image)
    (prediction,) = engine.predict([radiograph])
    diagnosis = reader.diagnose(radiograph)
    logits_only = without_explanation(bundle.graph)
    images = to_input(radiograph.pixels, spec)[np.newaxis]

    def whole() -> str:
        return dump(to_document(reader.diagnose(read_radiograph(image))))

    def cold() -> None:
        command = [sys.executable, "-m", "pneumoscope", "diagnose", str(image), "--json", "-"]
        command += ["--bundle", name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    decode = median_seconds(lambda: read_radiograph(image), repeats)
    clahe = median_seconds(lambda: to_input(radiograph.pixels, spec), repeats)
    network = median_seconds(lambda: logits_only.run(None, {"images": images}), repeats)
    explained = median_seconds(lambda: engine.predict([radiograph]), repeats)
    heatmap = median_seconds(
        lambda: to_heatmap(
            prediction.activation_maps[0, 0], radiograph.pixels.shape, prediction.classes[0]
        ),
        repeats,
    )
    document = median_seconds(lambda: dump(to_document(diagnosis)), repeats)
    warm = median_seconds(whole, repeats)
    parts = {
        "decode": decode,
        "reduction and CLAHE": clahe,
        "network": network,
        "Grad-CAM in the graph": explained - clahe - network,
        "heatmap, Otsu, contours": heatmap,
        "JSON": document,
    }
    cores = available_cores()
    print(
        f"{image.name}: {radiograph.width} x {radiograph.height}, bundle {name}, input {spec.size}"
    )
    print(
        f"{platform.processor() or platform.machine()}, {cores} cores, {repeats} repeats, medians"
    )
    print(
        f"cold  {median_seconds(cold, max(3, repeats // 5)):7.3f} s   (new process, with imports)"
    )
    print(f"warm  {warm:7.3f} s")
    for part, seconds in parts.items():
        print(f"      {seconds:7.3f} s  {seconds / warm:6.1%}  {part}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = options.image
        if image is None:
            image = Path(folder) / "phantom.dcm"
            write_dicom(draw_phantom(1, size=2048, opacity=True), image)
        measure(image, options.bundle, options.repeats)


if __name__ == "__main__":
    main()
