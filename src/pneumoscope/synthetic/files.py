"""Phantoms as files: PNG, DICOM, and a labelled folder of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import dcmwrite

from pneumoscope.errors import InputError
from pneumoscope.files import write_files
from pneumoscope.synthetic.dicom_object import to_dicom
from pneumoscope.synthetic.patient import check_seed, patient_id
from pneumoscope.synthetic.phantom import Phantom, View, draw_phantom, upside_down

MAX_PHANTOMS = 100_000
LABELS_FILE = "labels.csv"


def write_png(phantom: Phantom, path: Path) -> None:
    """Write a phantom as an 8-bit grey PNG file.

    Parameters
    ----------
    phantom : Phantom
        What to write.
    path : Path
        Where; replaced if it exists, only once the new file is complete.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    grey = np.round(phantom.pixels * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, format="PNG")
    write_files({path: buffer.getvalue()})


def write_dicom(phantom: Phantom, path: Path) -> None:
    """Write a phantom as a DICOM Part 10 file; see `to_dicom` for the object.

    Parameters
    ----------
    phantom : Phantom
        What to write; the same phantom gives the same bytes.
    path : Path
        Where; replaced if it exists, only once the new file is complete.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    dcmwrite(buffer, to_dicom(phantom), enforce_file_format=True)
    write_files({path: buffer.getvalue()})


def make_phantoms(
    out: Path, count: int, *, dicom: bool, seed: int = 0, turned: bool = False
) -> list[Path]:
    """Fill a folder with phantoms, NORMAL and PNEUMONIA by turns, and their labels.

    Every second pair is taken AP, so that the view says nothing of the class.

    Parameters
    ----------
    out : Path
        The folder; made if absent. It must hold no labels.csv yet.
    count : int
        How many phantoms, 1 to 100000.
    dicom : bool
        DICOM files, else PNG files.
    seed : int
        Of the first phantom; the next have the seeds that follow.
    turned : bool
        Upside down, to try how a wrong picture is refused.

    Returns
    -------
    list of Path
        The images, in the order of `labels.csv` (columns file, label, patient_id) beside them.

    Raises
    ------
    InputError
        If `count` or `seed` is out of range, the folder cannot be made or written, or it has labels
        already.
    """
    if not 1 <= count <= MAX_PHANTOMS:
        raise InputError(f"{count} phantoms asked for: give 1 to {MAX_PHANTOMS}")
    check_seed(seed)
    check_seed(seed + count - 1)
    if (out / LABELS_FILE).exists():
        raise InputError(f"{out} already holds {LABELS_FILE}: give another folder")
    _make_folder(out)
    write, suffix = (write_dicom, ".dcm") if dicom else (write_png, ".png")
    paths: list[Path] = []
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["file", "label", "patient_id"])
    for index in range(count):
        ill = index % 2 == 1
        view: View = "AP" if index % 4 >= 2 else "PA"
        path = out / f"phantom-{seed + index:06d}{suffix}"
        phantom = draw_phantom(seed + index, opacity=ill, view=view)
        write(upside_down(phantom) if turned else phantom, path)
        rows.writerow([path.name, "PNEUMONIA" if ill else "NORMAL", patient_id(seed + index)])
        paths.append(path)
    write_files({out / LABELS_FILE: table.getvalue().encode()})
    return paths


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, not a folder: give another place for the phantoms")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{out} cannot be made ({error.strerror}): give a folder that you may write to"
        ) from error
