"""`pneumoscope diagnose`: one radiograph and its patient."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import RULE_BASES, Engine, JsonTarget, Precision, Threads
from pneumoscope.cli.output import (
    check_targets,
    given_symptoms,
    json_target,
    print_text,
    write_stdout,
)
from pneumoscope.files import write_files


def diagnose(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, TIFF or DICOM file.")],
    symptom: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="One symptom, such as fever_value=38.5; again for each."
        ),
    ] = None,
    symptoms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Symptoms as a JSON object.")
    ] = None,
    age: Annotated[
        float | None, typer.Option(help="Years; else by the DICOM header, or the picture.")
    ] = None,
    sex: Annotated[str | None, typer.Option(help="M or F; else from the DICOM header.")] = None,
    bundle: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model bundle.")
    ] = None,
    engine: Engine = None,
    precision: Precision = None,
    threads: Threads = None,
    rule_base: Annotated[
        str, typer.Option(metavar="NAME", help=f"Of the severity: {RULE_BASES}.")
    ] = "guideline",
    json: JsonTarget = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write the picture with its map.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page for people.")
    ] = None,
    with_identity: Annotated[
        bool, typer.Option("--with-identity", help="Name the patient as the DICOM header does.")
    ] = False,
) -> None:
    """Read one chest radiograph, explain it, and join it with the symptoms into a severity.

    The symptoms' names, units and ranges: pneumoscope severity --help.
    """
    to_stdout, json_file = json_target(json)
    check_targets(
        {"--json": json_file, "--overlay": overlay, "--report": report},
        sources=[image] if symptoms is None else [image, symptoms],
    )
    given = given_symptoms(symptom or [], symptoms)

    from pneumoscope.reports import dump, to_document
    from pneumoscope.workflow import diagnose as run

    result = run(
        image,
        symptoms=given or None,
        age=age,
        sex=sex,
        bundle=bundle,
        engine=engine,
        precision=precision,
        threads=threads,
        rule_base=rule_base,
        with_identity=with_identity,
        now=datetime.now(UTC),
    )
    files: dict[Path, bytes] = {}
    if json_file is not None:
        files[json_file] = dump(to_document(result)).encode()
    if overlay is not None:
        from pneumoscope.reports import overlay_png

        files[overlay] = overlay_png(result)
    if report is not None:
        from pneumoscope.reports import to_html

        files[report] = to_html(result).encode()
    write_files(files)
    if to_stdout:
        write_stdout(dump(to_document(result)))
        return

    from pneumoscope.reports import plain, to_text

    print_text(to_text(result), *(plain(f"Written: {path}") for path in files))
