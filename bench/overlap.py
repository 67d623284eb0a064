"""How well copies of an image are found, and how seldom another patient's is taken for one.

    python bench/overlap.py FOLDER [FOLDER ...]

Each folder is a labelled one with patients; an equal `patient_id` is the same patient in all. The
rule for nearly equal images is that of `evaluate`, `compare` and `data fingerprint`. Pairs of
images with identical pixels are left out of the false alarms. The patients are parted into two
halves: the threshold was chosen on one, and is reported on the other.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pneumoscope.evaluation import read_manifest
from pneumoscope.imaging import (
    NEAR_HASH_BITS,
    fewest_bits,
    fingerprint,
    pack_hashes,
    perceptual_hashes,
    read_radiograph,
)

COPIES_PER_FOLDER = 150
THRESHOLDS = (32, 36, 40, 44, 48, 52)
Grey = np.ndarray
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Images:
    paths: list[Path]
    folder: np.ndarray
    patient: np.ndarray
    exact: np.ndarray
    hashes: np.ndarray  # (images, 4)
    queries: np.ndarray  # (images, 3, 4): as is, cut, framed

    def part(self, rows: np.ndarray) -> Images:
        arrays = (self.folder, self.patient, self.exact, self.hashes, self.queries)
        return Images([self.paths[i] for i in rows], *(array[rows] for array in arrays))

    def others(self, row: int) -> Pair:
        """Which images are of another patient, and which are other ones of the same."""
        differs = self.exact != self.exact[row]
        same = self.patient == self.patient[row]
        return differs & ~same, differs & same


def read_all(folders: list[Path]) -> Images:
    paths, places, patients, exact, hashes = [], [], [], [], []
    for folder in folders:
        for image in read_manifest(folder).images:
            pixels = read_radiograph(image.path).pixels
            paths.append(image.path)
            places.append(folder.name)
            patients.append(image.patient_id)
            exact.append(fingerprint(pixels))
            hashes.append(pack_hashes(perceptual_hashes(pixels)))
    queries = np.array(hashes)
    names = (np.array(each) for each in (places, patients, exact))
    return Images(paths, *names, queries[:, 0], queries)


def halves(patients: np.ndarray) -> np.ndarray:
    """Whether each patient is in the second half, by a hash of the name."""
    return np.array([hashlib.sha256(name.encode()).digest()[0] % 2 == 1 for name in patients])


def jpeg(quality: int) -> Callable[[Grey], Grey]:
    def change(grey: Grey) -> Grey:
        _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    return change


def longest_side(side: int, interpolation: int) -> Callable[[Grey], Grey]:
    def change(grey: Grey) -> Grey:
        scale = side / max(grey.shape)
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        return cv2.resize(grey, size, interpolation=interpolation)

    return change


def cropped(share: float, *, one_corner: bool = False) -> Callable[[Grey], Grey]:
    def change(grey: Grey) -> Grey:
        rows, columns = (round(side * share) for side in grey.shape)
        end = (None, None) if one_corner else (-rows, -columns)
        return grey[rows : end[0], columns : end[1]]

    return change


def levels(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Grey], Grey]:
    table = np.rint(np.clip(function(np.arange(256) / 255), 0, 1) * 255).astype(np.uint8)
    return lambda grey: table[grey]


def clahe(grey: Grey) -> Grey:
    return cv2.createCLAHE(2.0, (8, 8)).apply(grey)


def turned(degrees: float) -> Callable[[Grey], Grey]:
    def change(grey: Grey) -> Grey:
        height, width = grey.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(grey, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)

    return change


def several(grey: Grey) -> Grey:
    return jpeg(60)(longest_side(180, cv2.INTER_AREA)(cropped(0.01)(clahe(grey))))


COPIES: dict[str, Callable[[Grey], Grey]] = {
    **{f"JPEG at quality {quality}": jpeg(quality) for quality in (40, 60, 80, 95)},
    **{
        f"longest side {side}": longest_side(side, way)
        for side, way in (
            (112, cv2.INTER_AREA),
            (160, cv2.INTER_LINEAR),
            (512, cv2.INTER_CUBIC),
            (1024, cv2.INTER_LINEAR),
        )
    },
    "squeezed to 224 x 224": lambda grey: cv2.resize(grey, (224, 224)),
    "gamma 0.7": levels(lambda x: x**0.7),
    "gamma 1.4": levels(lambda x: x**1.4),
    "10% more contrast, 3% brighter": levels(lambda x: 1.1 * x + 0.03),
    "20% less contrast, 2% darker": levels(lambda x: 0.8 * x - 0.02),
    "CLAHE (clip 2, 8 x 8)": clahe,
    "1% cut off each side": cropped(0.01),
    "2% cut off each side": cropped(0.02),
    "2% cut off two sides only": cropped(0.02, one_corner=True),
    "CLAHE, 1% cut, side 180, JPEG 60": several,
    "5% cut off each side": cropped(0.05),
    "turned by 1 degree": turned(1),
    "turned by 3 degrees": turned(3),
    "mirrored": lambda grey: grey[:, ::-1],
    "inverted": levels(lambda x: 1 - x),
}


def false_alarms(images: Images) -> None:
    """Every image asked for among all others of its half, as `evaluate` does."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    siblings = []
    for row in range(len(images.paths)):
        bits = fewest_bits(images.queries[row], images.hashes)
        other, same = images.others(row)
        for name, among in groups(images, row):
            mine = bits[other & among]
            counts = np.searchsorted(np.sort(mine), THRESHOLDS, side="right")
            found.setdefault(name, []).append((mine.size, int(mine.min()), *map(int, counts)))
        if same.any():
            siblings.append(int(bits[same].min()))
    for name, rows in found.items():
        table = np.array(rows)
        told = "  ".join(
            f"<={bits}: {table[:, 2 + i].sum()} ({(table[:, 1] <= bits).sum()})"
            for i, bits in enumerate(THRESHOLDS)
        )
        print(
            f"  {name}: {len(table)} images, {table[:, 0].sum() / 1e6:.1f} million comparisons, "
            f"nearest {table[:, 1].min()} bits; comparisons (images) within: {told}"
        )
    near = sum(bits <= NEAR_HASH_BITS for bits in siblings)
    print(
        f"  another image of the same patient: {near} of {len(siblings)} images, "
        f"nearest {min(siblings, default=256)} bits"
    )


def groups(images: Images, row: int) -> Iterator[tuple[str, np.ndarray]]:
    mine = images.folder == images.folder[row]
    yield f"within {images.folder[row]}", mine
    if not mine.all():
        yield "across folders", ~mine


def chosen(images: Images) -> Iterator[tuple[int, Grey]]:
    """Images spread over each folder, as 8 bits."""
    for name in dict.fromkeys(images.folder):
        rows = np.flatnonzero(images.folder == name)
        for row in rows[:: max(1, rows.size // COPIES_PER_FOLDER)][:COPIES_PER_FOLDER]:
            pixels = read_radiograph(images.paths[row]).pixels
            yield int(row), np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def hits(images: Images) -> None:
    """Altered copies."""
    bits: dict[str, list[int]] = {name: [] for name in COPIES}
    for row, grey in chosen(images):
        for name, change in COPIES.items():
            copy = np.ascontiguousarray(change(grey)).astype(np.float32) / np.float32(255)
            queries = pack_hashes(perceptual_hashes(copy))
            bits[name].append(int(fewest_bits(queries, images.hashes[row : row + 1])[0]))
    for name, each in bits.items():
        found = np.mean(np.array(each) <= NEAR_HASH_BITS)
        print(
            f"  {name}: {100 * found:.1f}% of {len(each)} found (median "
            f"{np.median(each):.0f} bits, worst {max(each)})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    images = read_all(parser.parse_args().folders)
    second = halves(images.patient)
    for name, rows in (("choosing", ~second), ("reporting", second)):
        half = images.part(np.flatnonzero(rows))
        print(f"{name} half: {len(half.paths)} images of {len(set(half.patient))} patients")
        false_alarms(half)
        hits(half)


if __name__ == "__main__":
    main()
