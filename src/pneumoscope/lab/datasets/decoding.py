"""The images of a labelled folder, decoded on all cores unless the cache has them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

from pneumoscope.errors import ImageError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.imaging import fingerprint, perceptual_hash, read_radiograph, reduce_by_area
from pneumoscope.inference import available_cores
from pneumoscope.lab.datasets.decoded_cache import DecodedCache, ReducedImage, image_key

_log = logging.getLogger(__name__)

_Found = dict[bytes, ReducedImage]


def decode(
    name: str, images: Sequence[LabelledImage], size: int
) -> list[ReducedImage | ImageError]:
    """Reduce every image of a labelled folder; what the cache has is not decoded again.

    Images that cannot be kept in the cache (no right to write there, a full disk) are kept in
    memory, and the log says so.

    Parameters
    ----------
    name : str
        Of the source, for the log.
    images : sequence of LabelledImage
        All of one folder, at least one.
    size : int
        Side of the square that images are reduced to, in pixels.

    Returns
    -------
    list of ReducedImage or ImageError
        In the order of `images`; the reason for each that cannot be read.
    """
    paths = [image.path for image in images]
    folder = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    cache = DecodedCache(folder, size)
    found: _Found = {}
    with _cores() as pool:
        keys = list(pool.map(image_key, paths))
        try:
            wanted = {key: path for key, path in zip(keys, paths, strict=True) if key is not None}
            found |= {key: image for key, image in cache.read().items() if key in wanted}
            missing = {key: path for key, path in wanted.items() if key not in found}
            if missing:
                _log.info("%s: decoding %d images", name, len(missing))
                if _extend(cache, found, _decode_readable(missing, size, pool)):
                    found |= cache.read()
        except OSError as error:
            _log.warning(
                "%s: decoded images cannot be kept there (%s); they stay in memory, and the next "
                "run decodes them again",
                cache.path.parent,
                error.strerror,
            )
        return list(pool.map(partial(_found_or_decoded, found, size), paths, keys))


def _decode_readable(
    missing: Mapping[bytes, Path], size: int, pool: Executor
) -> Iterator[tuple[bytes, ReducedImage]]:
    decoded = pool.map(partial(_decode, size), missing.values(), missing)
    for key, image in zip(missing, decoded, strict=True):
        if isinstance(image, ReducedImage):
            yield key, image


def _extend(cache: DecodedCache, found: _Found, new: Iterator[tuple[bytes, ReducedImage]]) -> bool:
    """Write found and new images into the cache; False where there are no new ones."""
    first = next(new, None)
    if first is None:
        return False
    cache.write(chain([first], new, found.items()))
    return True


def _decode(size: int, path: Path, key: bytes | None) -> ReducedImage | ImageError:
    """Decode and reduce one image, or tell why not."""
    try:
        pixels = read_radiograph(path).pixels
    except ImageError as error:
        return error
    if image_key(path) != key:
        return ImageError(f"{path.name!r}: changed while it was read; train again")
    return ReducedImage(reduce_by_area(pixels, size), fingerprint(pixels), perceptual_hash(pixels))


def _found_or_decoded(
    found: _Found, size: int, path: Path, key: bytes | None
) -> ReducedImage | ImageError:
    return found[key] if key is not None and key in found else _decode(size, path, key)


@contextmanager
def _cores() -> Iterator[Executor]:
    """Give a thread per core; an interrupt does not wait for the images that are still to come."""
    pool = ThreadPoolExecutor(available_cores())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
