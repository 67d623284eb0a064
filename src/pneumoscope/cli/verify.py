"""`pneumoscope verify`: make a stored result again, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pneumoscope.cli.output import print_text
from pneumoscope.errors import InputError
from pneumoscope.files import read_limited

_LARGEST = 64 << 20
_SHOWN = 20
_NONE = type(None)
_FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "bundle": {"name": (str,), "version": (str,), "sha256": (str,)},
    "image": {"identity": (dict, _NONE)},
    "patient": {"age": (float, int, _NONE), "sex": (str, _NONE)},
    "provenance": {
        "engine": (dict, _NONE),
        "rule_base": (str, _NONE),
        "file_sha256": (str, _NONE),
        "pixels_sha256": (str, _NONE),
    },
}
NOT_THE_SAME = 3
"""Exit code: 1 would be a fault of the program, 2 one of the input."""


def verify(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT.json", help="A result of `pneumoscope diagnose`.")
    ],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image it was made from.")],
    bundle: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="The bundle; by default the one of that name."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="How far numbers may be apart on another processor.")
    ] = 2e-4,
) -> None:
    """Make a stored result again from its image, and say whether it is the same.

    The network runs as it did: with the same engine, in the same precision. Ends with code 3 where
    the result is another one.
    """
    stored = _read(result)

    from pneumoscope.bundles import find_bundle
    from pneumoscope.reports import plain, to_document, verify_document
    from pneumoscope.workflow import diagnose

    place = stored["bundle"]["name"] if bundle is None else bundle
    at_hand = find_bundle(place)
    if at_hand.sha256 != stored["bundle"]["sha256"]:
        raise InputError(
            f"{result}: was made with the bundle {stored['bundle']['name']} "
            f"{stored['bundle']['version']} of another checksum than the one found here; give the "
            "right one with --bundle"
        )
    ran = stored["provenance"]["engine"] or {"name": None, "precision": None}
    again = diagnose(
        image,
        symptoms=stored["symptoms"] or None,
        age=stored["patient"]["age"],
        sex=stored["patient"]["sex"],
        bundle=place,
        engine=ran["name"],
        precision=ran["precision"],
        rule_base=(stored["provenance"]["rule_base"] or "guideline").partition("@")[0],
        with_identity=stored["image"]["identity"] is not None,
    )
    found = verify_document(stored, json.loads(json.dumps(to_document(again))), tolerance)
    if not found.differences:
        print_text(
            f"The same: {found.compared} values, wording aside; numbers differ by at most "
            f"{found.largest:.1e}."
        )
        return
    lines = [
        plain(f"{each.place}: stored {_short(each.stored)}, now {_short(each.now)}")
        for each in found.differences[:_SHOWN]
    ]
    more = len(found.differences) - len(lines)
    head = f"Not the same: {len(found.differences)} of {found.compared} values differ."
    print_text(head, *lines, *([f"and {more} more"] if more else []))
    raise typer.Exit(NOT_THE_SAME)


def _read(path: Path) -> dict[str, Any]:
    """Read a stored diagnosis far enough to make it again."""
    try:
        text = read_limited(path, _LARGEST)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        stored = None
    if not _is_result(stored):
        raise InputError(f"{path}: not a result of `pneumoscope diagnose --json` of this version")
    return dict(stored)


def _is_result(stored: Any) -> bool:
    """Whether all that makes a result again is there, each of its type."""
    if not isinstance(stored, dict) or not isinstance(stored.get("symptoms"), dict):
        return False
    for part, fields in _FIELDS.items():
        values = stored.get(part)
        if not isinstance(values, dict):
            return False
        if not all(name in values and _fits(values[name], kinds) for name, kinds in fields.items()):
            return False
    engine = stored["provenance"]["engine"]
    return engine is None or all(isinstance(engine.get(key), str) for key in ("name", "precision"))


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
