"""A split on disk, with its certificate beside it: written together, read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pneumoscope.errors import DataError
from pneumoscope.files import read_limited, write_files
from pneumoscope.lab.datasets.certificate import DataIdentity, certify, digest, document
from pneumoscope.lab.datasets.split import PARTS, Fold, Split

MAX_BYTES = 256 << 20
AGAIN = "make it again with `pneumoscope split`"

# Numbers as JSON writes whole ones; no text, no fraction, nothing that numpy could not hold.
Position = Annotated[int, Field(strict=True, ge=0, lt=2**31)]


class CertificateError(DataError):
    """A split whose certificate is missing, or is not of this split and these data."""


class _FoldSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    train: tuple[Position, ...]
    stop: tuple[Position, ...]
    calibrate: tuple[Position, ...]
    report: tuple[Position, ...]


class _SplitSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[3]
    scheme: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    by: Literal["patient", "image"]
    seed: int = Field(strict=True, ge=0, lt=2**64)
    images: tuple[str, ...]
    folds: tuple[_FoldSection, ...] = Field(min_length=1)


def certificate_path(split: Path) -> Path:
    """Where a split's certificate is: ``splits/a.json`` has ``splits/a.certificate.json``."""
    return split.with_suffix(".certificate.json")


def write_split(path: Path, split: Split, data: DataIdentity) -> dict[str, Any]:
    """Write a split and its certificate, and return the certificate.

    Raises
    ------
    InputError
        A file cannot be written.
    """
    certificate = certify(split, data)
    contents = {path: document(split, data), certificate_path(path): certificate}
    write_files({place: (json.dumps(what) + "\n").encode() for place, what in contents.items()})
    return certificate


def read_split(path: Path, data: DataIdentity, *, certified: bool = True) -> Split:
    """Read a split for these very images.

    The certificate's word is not taken: all that it states is counted again on the data.

    Parameters
    ----------
    path : Path
        The split's file.
    data : DataIdentity
        The images that it is to be used for.
    certified : bool
        Whether its certificate is asked for. Without it, labels, patients and pictures may have
        changed since the split was made.

    Raises
    ------
    CertificateError
        The certificate is missing, or not of this split and these data.
    DataError
        The file cannot be read, is no split, or is of other images.
    """
    content = _read(path)
    split = _parse(path, content, data)
    if certified:
        _check_certificate(path, content, split, data)
    return split


def _parse(path: Path, content: Any, data: DataIdentity) -> Split:
    """Take a split's positions, each within the images and within its part once."""
    try:
        section = _SplitSection.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(".".join(str(part) for part in first["loc"]).split())[:80]
        raise DataError(
            f"{path}: not a split ({where or 'content'}: {first['msg']}); {AGAIN}"
        ) from None
    if section.images != data.files:
        raise DataError(
            f"{path}: lists other images than the sources hold, or in another order; {AGAIN}, its "
            "folders named and ordered as the recipe's sources"
        )
    folds = []
    for number, fold in enumerate(section.folds, start=1):
        parts = {part: np.array(getattr(fold, part), dtype=np.int64) for part in PARTS}
        for part, positions in parts.items():
            if len(positions) and positions.max() >= len(data.files):
                raise DataError(
                    f"{path}: fold {number} names images that it does not list; {AGAIN}"
                )
            drawn_again = section.scheme == "bootstrap" and part == "train"
            if not drawn_again and len(np.unique(positions)) < len(positions):
                raise DataError(f"{path}: fold {number} repeats images of {part}; {AGAIN}")
        if not len(parts["train"]) or not len(parts["report"]):
            raise DataError(f"{path}: fold {number} trains or reports no image; {AGAIN}")
        folds.append(Fold(parts))
    return Split(section.scheme, section.by, section.seed, tuple(folds))


def _check_certificate(path: Path, content: Any, split: Split, data: DataIdentity) -> None:
    """Hold the certificate against the split and the data, and say what is stale."""
    beside = certificate_path(path)
    if not beside.is_file():
        raise CertificateError(f"{path}: its certificate, {beside.name}, is missing; {AGAIN}")
    try:
        stated = _read(beside)
    except DataError as error:
        raise CertificateError(str(error)) from None
    if not isinstance(stated, dict):
        raise CertificateError(f"{beside}: not a split's certificate; {AGAIN}")
    if stated.get("split_sha256") != digest(content):
        raise CertificateError(f"{path}: was changed since its certificate was made; {AGAIN}")
    if stated.get("data_sha256") != data.sha256:
        raise CertificateError(
            f"{beside}: is of other pictures, labels or patients than the sources hold now; {AGAIN}"
        )
    if stated != certify(split, data):
        raise CertificateError(f"{beside}: states what the data do not bear out; {AGAIN}")


def _read(path: Path) -> Any:
    try:
        return json.loads(read_limited(path, MAX_BYTES))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {AGAIN}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path}: is no valid JSON; {AGAIN}") from None
