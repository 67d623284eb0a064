"""A model on disk: read, checked, written."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from pneumoscope.bundles.description import (
    CARD,
    FILES,
    GRAPH,
    LICENCE,
    TRAINING_IMAGES,
    BundleDescription,
    FileRecord,
)
from pneumoscope.errors import BundleError
from pneumoscope.findings import BundleIdentity

DESCRIPTION = "bundle.json"
MAX_DESCRIPTION_BYTES = 1 << 20
WAY_OUT = "install or export it again"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A verified model bundle.

    Attributes
    ----------
    folder : Path
        Where it was found.
    description : BundleDescription
        What ``bundle.json`` says.
    sha256 : str
        Checksum of ``bundle.json``, which holds those of the other files: it names the bundle.
    graph : bytes
        The ONNX graph, as verified.
    card, licence : str
        The model card (Markdown) and the terms of the training data.
    training_images : frozenset of str
        `imaging.fingerprint` of every image that trained or tuned the network.
    """

    folder: Path
    description: BundleDescription
    sha256: str
    graph: bytes
    card: str
    licence: str
    training_images: frozenset[str]

    @property
    def identity(self) -> BundleIdentity:
        """The bundle as results name it."""
        sets = tuple(training_set.name for training_set in self.description.training_sets)
        return BundleIdentity(self.description.name, self.description.version, self.sha256, sets)


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's folder and verify every file of it.

    Parameters
    ----------
    folder : Path
        Holds ``bundle.json`` and the files that it names.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        No bundle there, a description that is not valid, a file that is missing or changed.
    """
    description_bytes = _read(folder / DESCRIPTION, MAX_DESCRIPTION_BYTES)
    try:
        description = BundleDescription.model_validate_json(description_bytes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise BundleError(f"{folder / DESCRIPTION}: {where}: {first['msg']}; {WAY_OUT}") from None
    contents = {name: _verified(folder / name, description.files[name]) for name in FILES}
    try:
        bundle = Bundle(
            folder=folder,
            description=description,
            sha256=hashlib.sha256(description_bytes).hexdigest(),
            graph=contents[GRAPH],
            card=contents[CARD].decode(),
            licence=contents[LICENCE].decode(),
            training_images=frozenset(contents[TRAINING_IMAGES].decode().split()),
        )
    except UnicodeDecodeError:
        raise BundleError(f"{folder}: a text of the bundle is not UTF-8; {WAY_OUT}") from None
    _announce(bundle.identity, "; ".join(_terms(description)))
    return bundle


def write_bundle(
    folder: Path, description: Mapping[str, object], contents: Mapping[str, bytes]
) -> Bundle:
    """Write a bundle so that either all of it is there or nothing.

    Parameters
    ----------
    folder : Path
        Must not exist.
    description : mapping
        ``bundle.json`` without its `files`.
    contents : mapping of file name to bytes
        Exactly the files that a bundle has.

    Raises
    ------
    BundleError
        The folder exists or cannot be written, or the description is not valid.
    """
    if folder.exists():
        raise BundleError(f"{folder}: already exists; give another folder")
    files = {
        name: FileRecord(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)).model_dump()
        for name, data in contents.items()
    }
    whole = dict(description) | {"files": files}
    try:
        BundleDescription.model_validate(whole)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
            made = Path(place) / folder.name
            made.mkdir()
            for name, data in contents.items():
                (made / name).write_bytes(data)
            (made / DESCRIPTION).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
            made.rename(folder)
    except ValidationError as error:
        raise BundleError(f"{folder}: {error.errors()[0]['msg']}") from None
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written ({error.strerror})") from None
    return read_bundle(folder)


def _read(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes."""
    try:
        if not path.is_file():
            raise BundleError(f"{path.parent}: not a model bundle ({path.name} is missing)")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > limit:
        raise BundleError(f"{path}: larger than it should be; {WAY_OUT}")
    return data


def _verified(path: Path, record: FileRecord) -> bytes:
    """Read a file and hold it against its record."""
    data = _read(path, record.bytes)
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise BundleError(f"{path}: was changed since the bundle was made; {WAY_OUT}")
    return data


def _terms(description: BundleDescription) -> list[str]:
    return [f"{part.name}: {part.licence}" for part in description.training_sets]


@cache
def _announce(identity: BundleIdentity, terms: str) -> None:
    """Say once per process under which terms the model's training data came."""
    _log.info(
        "model bundle %s %s, trained on %s (see `pneumoscope bundle info`)",
        identity.name,
        identity.version,
        terms,
    )
