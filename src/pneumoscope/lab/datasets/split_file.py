"""A split on disk, with its certificate beside it: written together, read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pneumoscope.errors import DataError
from pneumoscope.files import read_limited, write_files
from pneumoscope.lab.datasets.certificate import (
    DataIdentity,
    certify,
    digest,
    document,
    fold_facts,
)
from pneumoscope.lab.datasets.split import PARTS, Fold, Split

MAX_BYTES = 256 << 20
AGAIN = "make it again with `pneumoscope split`"

Positions = tuple[Annotated[int, Field(ge=0)], ...]


class _FoldSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    train: Positions
    stop: Positions
    calibrate: Positions
    report: Positions


class _SplitSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[3]
    scheme: str
    by: Literal["patient", "image"]
    seed: int = Field(ge=0)
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
    contents = {
        path: document(split, data),
        certificate_path(path): certificate,
    }
    write_files({place: (json.dumps(what) + "\n").encode() for place, what in contents.items()})
    return certificate


def read_split(path: Path, data: DataIdentity) -> tuple[Split, dict[str, Any]]:
    """Read a split for these very images, and its certificate.

    What crosses the borders is counted again on the data: the certificate's word is not taken.

    Parameters
    ----------
    path : Path
        The split's file.
    data : DataIdentity
        The images that it is to be used for.

    Returns
    -------
    split : Split
    certificate : dict
        See `certify`.

    Raises
    ------
    DataError
        The split or its certificate is missing or damaged, or of other images, other labels, other
        patients or another split.
    """
    content = _read(path)
    try:
        section = _SplitSection.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        raise DataError(
            f"{path}: not a split ({where or 'content'}: {first['msg']}); {AGAIN}"
        ) from None
    certificate = _read(certificate_path(path))
    _check(path, content, certificate, data)
    folds = []
    for number, fold in enumerate(section.folds):
        parts = {part: np.array(getattr(fold, part), dtype=np.int64) for part in PARTS}
        if any(len(p) and p.max() >= len(data.files) for p in parts.values()):
            raise DataError(
                f"{path}: fold {number + 1} names images that it does not list; {AGAIN}"
            )
        if not len(parts["train"]) or not len(parts["report"]):
            raise DataError(f"{path}: fold {number + 1} trains or reports no image; {AGAIN}")
        folds.append(Fold(parts))
        if certificate["folds"][number] != fold_facts(folds[-1], data):
            raise DataError(
                f"{path}: its certificate states what the data do not bear out; {AGAIN}"
            )
    return Split(section.scheme, section.by, section.seed, tuple(folds)), certificate


def _check(path: Path, content: Any, certificate: Any, data: DataIdentity) -> None:
    """Hold the certificate against the split and the data."""
    beside = certificate_path(path)
    try:
        stated, body = (
            certificate["sha256"],
            {k: v for k, v in certificate.items() if k != "sha256"},
        )
        of_split, of_data = certificate["split_sha256"], certificate["data_sha256"]
        folds = len(certificate["folds"])
    except (KeyError, TypeError, AttributeError):
        raise DataError(f"{beside}: not a split's certificate; {AGAIN}") from None
    if stated != digest(body):
        raise DataError(f"{beside}: was changed since it was made; {AGAIN}")
    if of_split != digest(content) or folds != len(content["folds"]):
        raise DataError(f"{path}: was changed since its certificate was made; {AGAIN}")
    if of_data != data.sha256 or content["images"] != list(data.files):
        raise DataError(
            f"{beside}: is of other images, labels or patients than these (they changed since, or "
            f"the split is of another folder); {AGAIN}"
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(read_limited(path, MAX_BYTES))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; {AGAIN}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path}: is no valid JSON; {AGAIN}") from None
