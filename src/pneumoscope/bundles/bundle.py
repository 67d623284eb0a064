"""A model on disk: read, checked, written."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pneumoscope.bundles.description import (
    CARD,
    GRAPH,
    LICENCE,
    MAX_FILE_BYTES,
    SINGLE,
    TRAINING_IMAGES,
    BundleDescription,
    FileRecord,
)
from pneumoscope.errors import BundleError
from pneumoscope.files import read_limited
from pneumoscope.findings import BundleIdentity

DESCRIPTION = "bundle.json"
# As `sha256sum --check` reads it.
CHECKSUM = "bundle.json.sha256"
MAX_DESCRIPTION_BYTES = 1 << 20
WAY_OUT = "install or export it again"
# Of an image: its exact fingerprint and, in bundles that have them, its perceptual hash.
_TRAINING_LINE = re.compile(r"([0-9a-f]{16})(?: ([0-9a-f]{64}))?")


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
    further_graphs : mapping of str to bytes
        Those of the variants that have one of their own, by their files' names.
    card, licence : str
        The model card (Markdown) and the terms of the training data.
    training_images : frozenset of str
        `imaging.fingerprint` of every image that trained or tuned the network.
    training_hashes : ndarray of uint64, shape (images, 4)
        `imaging.perceptual_hash` of the same images; no rows in a bundle that was made without.
    """

    folder: Path
    description: BundleDescription
    sha256: str
    graph: bytes
    card: str
    licence: str
    training_images: frozenset[str]
    training_hashes: NDArray[np.uint64]
    further_graphs: Mapping[str, bytes] = field(default_factory=dict)

    def read_by(self, engine: str, precision: str) -> Bundle:
        """Return the bundle with the graph and the calibration of an engine in a precision.

        Parameters
        ----------
        engine, precision : str
            Such as "onnxruntime" and "int8".

        Returns
        -------
        Bundle
            Itself in single precision, in which all engines agree.

        Raises
        ------
        BundleError
            It was not calibrated for them.
        """
        if precision == SINGLE:
            return self
        for variant in self.description.variants:
            if (variant.engine, variant.precision) == (engine, precision):
                graphs = {GRAPH: self.graph, **self.further_graphs}
                return replace(
                    self,
                    description=self.description.read_by(variant),
                    graph=graphs[variant.graph],
                    further_graphs={},
                )
        known = [each.precision for each in self.description.variants if each.engine == engine]
        raise BundleError(
            f"precision {precision!r}: the bundle {self.description.name} was not calibrated for "
            f"{engine} in it; choose one of {', '.join((SINGLE, *known))}"
        )

    @property
    def identity(self) -> BundleIdentity:
        """The bundle as results name it."""
        sets = tuple(f"{part.name}: {part.population}" for part in self.description.training_sets)
        described = self.description
        return BundleIdentity(described.name, described.version, self.sha256, sets, described.reads)

    @property
    def terms(self) -> str:
        """Under which terms the training sets came, in one line."""
        sets = self.description.training_sets
        return "; ".join(f"{training_set.name}: {training_set.licence}" for training_set in sets)


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
    if _read(folder / CHECKSUM, MAX_DESCRIPTION_BYTES) != _checksum_line(description_bytes):
        raise BundleError(
            f"{folder / DESCRIPTION}: was changed since the bundle was made; {WAY_OUT}"
        )
    try:
        description = BundleDescription.model_validate_json(description_bytes)
    except ValidationError as error:
        raise BundleError(f"{folder / DESCRIPTION}: {_problem(error)}; {WAY_OUT}") from None
    contents = {name: _verified(folder / name, told) for name, told in description.files.items()}
    return _assemble(folder, description, description_bytes, contents)


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
        Exactly the files that a bundle has, with the graphs of its variants.

    Returns
    -------
    Bundle
        As read back from the disk.

    Raises
    ------
    BundleError
        The folder exists or cannot be written, the description is not valid, or a text is not
        UTF-8.
    """
    files = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in contents.items()
    }
    try:
        if folder.exists():
            raise BundleError(f"{folder}: already exists; give another folder")
        valid = BundleDescription.model_validate(dict(description) | {"files": files})
        description_bytes = (valid.model_dump_json(indent=1) + "\n").encode()
        _assemble(folder, valid, description_bytes, contents)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
            made = Path(place) / folder.name
            made.mkdir()
            for name, data in contents.items():
                (made / name).write_bytes(data)
            (made / DESCRIPTION).write_bytes(description_bytes)
            (made / CHECKSUM).write_bytes(_checksum_line(description_bytes))
            made.rename(folder)
    except ValidationError as error:
        raise BundleError(f"{folder}: {_problem(error)}") from None
    except OSError as error:
        raise BundleError(
            f"{folder}: cannot be written ({error.strerror}); give another folder or make room"
        ) from None
    return read_bundle(folder)


def _assemble(
    folder: Path,
    description: BundleDescription,
    description_bytes: bytes,
    contents: Mapping[str, bytes],
) -> Bundle:
    """Make the bundle of parts that are verified."""
    try:
        exact, hashes = _training(contents[TRAINING_IMAGES].decode())
        return Bundle(
            folder=folder,
            description=description,
            sha256=hashlib.sha256(description_bytes).hexdigest(),
            graph=contents[GRAPH],
            card=contents[CARD].decode(),
            licence=contents[LICENCE].decode(),
            training_images=exact,
            training_hashes=hashes,
            further_graphs={name: contents[name] for name in description.graphs - {GRAPH}},
        )
    except UnicodeDecodeError:
        raise BundleError(f"{folder}: a text of the bundle is not UTF-8; {WAY_OUT}") from None
    except ValueError as error:
        raise BundleError(f"{folder / TRAINING_IMAGES}: {error}; {WAY_OUT}") from None


def _training(text: str) -> tuple[frozenset[str], NDArray[np.uint64]]:
    """Read the fingerprints and the perceptual hashes, which all lines have or none has."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        row = _TRAINING_LINE.fullmatch(line)
        if row is None:
            raise ValueError(f"line {number} holds no fingerprint")
        rows.append(row.groups())
    hashes = [row[1] for row in rows if row[1] is not None]
    if len(hashes) not in (0, len(rows)):
        raise ValueError("some lines have a perceptual hash and some have none")
    packed = np.frombuffer(bytes.fromhex("".join(hashes)), dtype=np.uint64).reshape(-1, 4)
    return frozenset(row[0] for row in rows), packed


def _checksum_line(description_bytes: bytes) -> bytes:
    return f"{hashlib.sha256(description_bytes).hexdigest()}  {DESCRIPTION}\n".encode()


def _problem(error: ValidationError) -> str:
    """Name the first thing that is wrong, in one line."""
    first = error.errors()[0]
    # An unknown key is whatever the file says: no control characters, and not at any length.
    where = ".".join(str(part) for part in first["loc"])[:80].encode("unicode_escape").decode()
    return f"{where or 'content'}: {first['msg']}"


def _read(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes."""
    try:
        if not path.is_file():
            raise BundleError(f"{path.parent}: not a model bundle ({path.name} is missing)")
        return read_limited(path, limit)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {WAY_OUT}") from None


def _verified(path: Path, record: FileRecord) -> bytes:
    """Read a file and hold it against its record."""
    data = _read(path, MAX_FILE_BYTES)
    if len(data) != record.bytes or hashlib.sha256(data).hexdigest() != record.sha256:
        raise BundleError(f"{path}: was changed since the bundle was made; {WAY_OUT}")
    return data
