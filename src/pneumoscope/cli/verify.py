"""`pneumoscope verify`: make a stored result again, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import print_text
from pneumoscope.errors import InputError

_SHOWN = 20
NOT_THE_SAME = 3
"""Exit code: 1 would be a fault of the program, 2 one of the input."""


def verify(
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT.json", help="A result that pneumoscope diagnose --json wrote."
        ),
    ],
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="The image that the result was made from.")
    ],
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="The model bundle. If not given: the one that RESULT.json names.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="X",
            help="Largest difference between two numbers that counts as equal; another processor "
            "rounds differently.",
        ),
    ] = 2e-4,
) -> None:
    """Make a stored result again and compare it.

    The network runs as it did: with the same engine, in the same precision.
    Exit code 0: the same. Exit code 3: not the same; the differences are
    listed.
    """
    from pneumoscope.bundles import find_bundle
    from pneumoscope.documents import DiagnosisDocument, read_document, to_document
    from pneumoscope.reports import plain, verify_document
    from pneumoscope.workflow import diagnose

    stored = read_document(result)
    if not isinstance(stored, DiagnosisDocument):
        raise InputError(f"{result}: is a {stored.document}; only a result of an image is verified")
    if stored.severity is not None and stored.severity.personal is not None:
        raise InputError(
            f"{result}: rests on the patient's earlier visits, which a result does not hold; only "
            "one without a history can be made again"
        )
    place = stored.bundle.name if bundle is None else bundle
    at_hand = find_bundle(place)
    if at_hand.sha256 != stored.bundle.sha256:
        raise InputError(
            f"{result}: was made with the bundle {stored.bundle.name} {stored.bundle.version} of "
            "another checksum than the one found here; give the right one with --bundle"
        )
    ran = stored.provenance.engine
    again = diagnose(
        image,
        symptoms=stored.symptoms or None,
        age=stored.patient.age,
        sex=stored.patient.sex,
        bundle=place,
        engine=None if ran is None else ran.name,
        precision=None if ran is None else ran.precision,
        rule_base=(stored.provenance.rule_base or "guideline").partition("@")[0],
        with_identity=stored.image.identity is not None,
    )
    found = verify_document(stored.json_values(), to_document(again).json_values(), tolerance)
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


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
