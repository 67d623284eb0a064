"""Reduced images on disk, so that a labelled folder is decoded once.

One file per folder and size holds a row per image: key, hashes, pixels, checksum. The key is
of all that the pixels depend on (the file's content, the code of `pneumoscope.imaging`, the
decoding libraries), so a row can be missing but never stale. Neither a path nor a name is kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import time
import zlib
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

VARIABLE = "PNEUMOSCOPE_CACHE"
_LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "pylibjpeg",
    "pylibjpeg-openjpeg",
    "pylibjpeg-rle",
    "python-gdcm",
)
_KEY_BYTES, _FINGERPRINT_BYTES, _HASH_BYTES, _CHECK_BYTES = 32, 16, 64, 4
_BUILDING = ".building-"
_LEFT_OVER_SECONDS = 3600  # a file that is being built grows with every image


@dataclass(frozen=True, slots=True, eq=False)
class ReducedImage:
    """An image as training keeps it.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (size, size)
        Of `imaging.reduce_by_area`; may lie on disk and be read-only.
    fingerprint : str
        `imaging.fingerprint` at full size.
    perceptual_hash : str
        `imaging.perceptual_hash` at full size.
    """

    pixels: NDArray[np.uint8]
    fingerprint: str
    perceptual_hash: str


def image_key(path: Path) -> bytes | None:
    """Name what an image's pixels depend on: its file's content and the code that decodes it.

    Returns
    -------
    bytes or None
        32 bytes; None where the file cannot be read.
    """
    try:
        if not path.is_file():  # a pipe could block for ever
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.sha256(_decoder())).digest()
    except OSError:
        return None


@cache
def _decoder() -> bytes:
    """Digest of the code of the room `imaging`, its libraries' versions and the machine's kind."""
    digest = hashlib.sha256(platform.machine().encode())
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    room = resources.files("pneumoscope.imaging")
    for file in sorted(room.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.digest()


class DecodedCache:
    """The cache file of one labelled folder at one size.

    It lies in $PNEUMOSCOPE_CACHE or else where Linux keeps a user's caches ($XDG_CACHE_HOME,
    ~/.cache), on every system, as torch's do. Only its user may read it: it holds patients' images.

    Parameters
    ----------
    source : Path
        The labelled folder.
    size : int
        Side of the reduced images, in pixels.
    """

    def __init__(self, source: Path, size: int) -> None:
        place = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:32]
        self.path = _folder() / f"{place}-{size}.rows"
        self._row = np.dtype(
            [
                ("key", f"V{_KEY_BYTES}"),
                ("fingerprint", f"S{_FINGERPRINT_BYTES}"),
                ("perceptual_hash", f"S{_HASH_BYTES}"),
                ("pixels", np.uint8, (size, size)),
                ("check", f"V{_CHECK_BYTES}"),
            ]
        )

    def read(self) -> dict[bytes, ReducedImage]:
        """Map the file's sound rows into memory, by key; none where there is no file.

        Every row is read and checked first, so that a page which cannot be read is found here and
        not in the middle of training.

        Raises
        ------
        OSError
            The cache folder cannot be made this user's own.
        """
        _make_private(self.path.parent)
        try:
            with self.path.open("rb") as stream:
                sound = self._sound_rows(stream)
                if not sound:
                    return {}
                count = max(sound.values()) + 1
                rows = np.asarray(np.memmap(stream, self._row, mode="r", shape=(count,)))
        except (OSError, ValueError):  # no file, a page of it cannot be read, or it just shrank
            return {}
        return {
            key: ReducedImage(
                rows["pixels"][number],
                rows["fingerprint"][number].decode("ascii"),
                rows["perceptual_hash"][number].decode("ascii"),
            )
            for key, number in sound.items()
        }

    def _sound_rows(self, stream: BinaryIO) -> dict[bytes, int]:
        """Number the rows whose checksum is right, by key; a torn one at the end is left out."""
        sound, number = {}, 0
        while len(row := stream.read(self._row.itemsize)) == self._row.itemsize:
            if _check(row[:-_CHECK_BYTES]) == row[-_CHECK_BYTES:]:
                sound[row[:_KEY_BYTES]] = number
            number += 1
        return sound

    def write(self, rows: Iterable[tuple[bytes, ReducedImage]]) -> None:
        """Replace the file, whole or not at all; others may read and write it meanwhile.

        Raises
        ------
        OSError
            It cannot be written (a full disk, say).
        """
        folder = self.path.parent
        _make_private(folder)
        _remove_left_over(folder)
        with ExitStack() as cleanup:
            descriptor, name = tempfile.mkstemp(dir=folder, prefix=_BUILDING)  # for this user only
            temporary = Path(name)
            cleanup.callback(temporary.unlink, missing_ok=True)
            with os.fdopen(descriptor, "wb") as stream:
                for key, image in rows:
                    names = (image.fingerprint + image.perceptual_hash).encode("ascii")
                    row = key + names + image.pixels.tobytes()
                    stream.write(row + _check(row))
            temporary.replace(self.path)


def _folder() -> Path:
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen) / "decoded"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "pneumoscope" / "decoded"


def _make_private(folder: Path) -> None:
    """Make the folder this user's only; fails where it is another's, who could plant images."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _remove_left_over(folder: Path) -> None:
    """Remove what a killed process left half built."""
    for file in folder.glob(f"{_BUILDING}*"):
        with suppress(FileNotFoundError):  # another process has just finished or removed it
            if time.time() - file.stat().st_mtime > _LEFT_OVER_SECONDS:
                file.unlink()


def _check(row: bytes) -> bytes:
    return zlib.crc32(row).to_bytes(_CHECK_BYTES, "little")
