"""Made-up folders under the names of the real ones: phantoms with their masks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pneumoscope.synthetic import draw_ct_slice, draw_phantom

SIDE = 128


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.rint(np.asarray(pixels, np.float32) * 255).astype(np.uint8)
    assert cv2.imwrite(str(path), grey)


def table(folder: Path, rows: list[dict[str, Any]], name: str = "labels.csv") -> None:
    with (folder / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def lung_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold 12 phantoms in each folder; those of the challenge are in `rsna-lungs` as well.

    Of `nih-graded` the first two images are those of `rsna`; the last one's cut-out has one lung.
    """
    data = tmp_path_factory.mktemp("lungs")
    cut_out: list[dict[str, Any]] = []
    for place, source in enumerate(("rsna", "rsna-normals", "nih-graded")):
        rows, boxes = [], []
        for number in range(12):
            seed = number if source == "nih-graded" and number < 2 else 100 * place + number
            label = ("NORMAL", "PNEUMONIA")[number % 2 if source != "rsna-normals" else 0]
            phantom = draw_phantom(seed, size=SIDE, opacity=label == "PNEUMONIA")
            file, name = f"{number}.png", f"id-{seed}"
            write(data / source / file, phantom.pixels)
            rows.append({"file": file, "label": label, "patient_id": f"p{seed}", "rsna_id": name})
            ys, xs = np.nonzero(phantom.opacity_mask)
            if len(ys):
                span = np.array([xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]) / SIDE
                row = dict(zip(("x", "y", "width", "height"), span.round(4), strict=True))
                boxes.append({"rsna_id": name} | row)
            if seed != 100 * place + number:
                continue
            mask = phantom.lung_mask.copy()
            if len(ys):
                # A band, so that the rest still is most of a lung.
                middle = int(ys.mean())
                mask[middle - 5 : middle + 5] &= ~phantom.opacity_mask[middle - 5 : middle + 5]
            if (source, number) == ("nih-graded", 11):
                mask[:, SIDE // 2 :] = False
            write(data / "rsna-lungs" / f"{name}.png", np.where(mask, phantom.pixels + 0.1, 0))
            cut_out.append({"file": f"{name}.png", "label": label, "rsna_id": name})
        table(data / source, rows)
        if boxes:
            table(data / source, boxes, "boxes.csv")
    table(data / "rsna-lungs", cut_out)
    _fill_the_other_folders(data)
    return data


def _fill_the_other_folders(data: Path) -> None:
    plain: dict[str, list[dict[str, Any]]] = {}
    for place, source in enumerate(("lungs-tb", "cohen-opacity", "guangzhou", "nih-weak")):
        for number in range(12):
            phantom = draw_phantom(1000 + 100 * place + number, size=SIDE, opacity=number % 2 == 1)
            row = {"file": f"{number}.png", "label": "NORMAL", "patient_id": f"{source}-{number}"}
            write(data / source / f"{number}.png", phantom.pixels)
            if source in ("lungs-tb", "cohen-opacity"):
                # As in the real folders, some have no mask.
                row["lung_mask"] = f"lung-{number}.png" if number else ""
                write(data / source / f"lung-{number}.png", phantom.lung_mask)
            if source == "cohen-opacity":
                row["opacity_mask"] = f"opacity-{number}.png" if number % 2 else ""
                write(data / source / f"opacity-{number}.png", phantom.opacity_mask)
            plain.setdefault(source, []).append(row)
    rng = np.random.default_rng(0)
    for number in range(6):
        write(data / "covid-ct" / f"{number}.png", draw_ct_slice(number, size=SIDE))
        row = {"file": f"{number}.png", "label": "COVID", "paper_id": f"paper {number // 2}"}
        plain.setdefault("covid-ct", []).append(row)
        grey = np.zeros((SIDE, SIDE)) if number == 5 else rng.random((SIDE, SIDE))
        write(data / "not-chest" / f"{number}.png", grey)
        patient = f"knee {number}" if number < 3 else ""
        row = {"file": f"{number}.png", "label": "KNEE", "patient_id": patient, "source": "made up"}
        plain.setdefault("not-chest", []).append(row)
    for source, rows in plain.items():
        table(data / source, rows)
