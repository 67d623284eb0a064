"""How far the answer for a 3,000-pixel copy is from that for the image itself.

    python bench/resolution.py FOLDER [FOLDER ...]

Each folder is a labelled one (labels.csv or class folders); 40 images of each, spread over it, are
enlarged to 3,000 pixels by bicubic and by bilinear interpolation and rounded to 8 bits.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pneumoscope.bundles import find_bundle
from pneumoscope.evaluation import read_manifest
from pneumoscope.findings import Radiograph
from pneumoscope.imaging import read_radiograph
from pneumoscope.workflow import Reader

IMAGES, SIDE = 40, 3000
WAYS = {"bicubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}


def enlarged(radiograph: Radiograph, interpolation: int) -> Radiograph:
    scale = SIDE / max(radiograph.pixels.shape)
    size = (round(radiograph.width * scale), round(radiograph.height * scale))
    large = cv2.resize(radiograph.pixels, size, interpolation=interpolation)
    grey = np.rint(np.clip(large, 0, 1) * 255)
    return replace(radiograph, pixels=(grey / 255).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    reader = Reader(find_bundle())
    for folder in parser.parse_args().folders:
        images = read_manifest(folder).images
        chosen = [read_radiograph(i.path) for i in images[:: max(1, len(images) // IMAGES)]][
            :IMAGES
        ]
        originals = [reader.score(radiograph) for radiograph in chosen]
        for name, interpolation in WAYS.items():
            copies = [reader.score(enlarged(radiograph, interpolation)) for radiograph in chosen]
            changes = [
                max(abs(a.probabilities[c] - b.probabilities[c]) for c in a.probabilities)
                for a, b in zip(originals, copies, strict=True)
            ]
            other = sum(a.predicted != b.predicted for a, b in zip(originals, copies, strict=True))
            print(
                f"{folder.name}, {name}: {len(chosen)} images, largest change of a probability: "
                f"mean {np.mean(changes):.4f}, 95% {np.quantile(changes, 0.95):.4f}, "
                f"max {max(changes):.4f}; other class: {other}"
            )


if __name__ == "__main__":
    main()
