"""Where bundles are looked for: a path, ``$PNEUMOSCOPE_HOME/bundles``, the package."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pneumoscope.bundles.bundle import DESCRIPTION, Bundle, read_bundle
from pneumoscope.errors import BundleError

HOME_VARIABLE = "PNEUMOSCOPE_HOME"
DEFAULT_BUNDLE = "chest"
PACKAGED = Path(__file__).parent / "packaged"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def find_bundle(name: str | None = None) -> Bundle:
    """Find, read and verify a bundle.

    Parameters
    ----------
    name : str or None
        The path of a bundle's folder, or a name that is looked up in ``$PNEUMOSCOPE_HOME/bundles``
        first and in the package second. None for the default bundle, which is looked up by its
        name alone: a folder that happens to be called so does not replace it.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        Nothing is there under this name (the message says where was looked), or what is there is
        not a valid bundle.
    """
    if name is None:
        name = DEFAULT_BUNDLE
    elif _holds_bundle(Path(name)):
        return read_bundle(Path(name))
    if NAME.fullmatch(name):
        for folder in _folders():
            if _holds_bundle(folder / name):
                return read_bundle(folder / name)
    known = ", ".join(available_bundles()) or "none"
    raise BundleError(
        f"bundle {name!r}: not found as a folder or by name; bundles by name: {known}"
    )


def available_bundles() -> dict[str, Path]:
    """List the bundles that have a name, the first of each name winning.

    Returns
    -------
    dict of str to Path
        Name to folder, sorted by name; not verified yet.
    """
    found: dict[str, Path] = {}
    for folder in _folders():
        try:
            places = list(folder.iterdir())
        except OSError:
            continue
        for place in places:
            if NAME.fullmatch(place.name) and _holds_bundle(place):
                found.setdefault(place.name, place)
    return dict(sorted(found.items()))


def _holds_bundle(folder: Path) -> bool:
    """Whether a bundle seems to be there; a place that cannot be looked into holds none."""
    try:
        return (folder / DESCRIPTION).is_file()
    except OSError:
        return False


def _folders() -> list[Path]:
    home = os.environ.get(HOME_VARIABLE)
    return [*([Path(home) / "bundles"] if home else []), PACKAGED]
