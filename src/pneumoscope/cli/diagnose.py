"""`pneumoscope diagnose`: one radiograph and its patient, or many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.diagnose_many import diagnose_many, is_list
from pneumoscope.cli.options import RULE_BASES, JsonTarget
from pneumoscope.cli.output import (
    check_targets,
    given_symptoms,
    json_target,
    print_text,
    write_stdout,
)
from pneumoscope.errors import InputError
from pneumoscope.files import write_files


def diagnose(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE... | DIR | MANIFEST.csv",
            help="A JPEG, PNG, TIFF or DICOM file; with --out several, their folder, or a list.",
        ),
    ],
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
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl|csv|parquet", help="Write a row per image, of as many as there are."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="With --out: processes; by default one per core.")
    ] = None,
) -> None:
    """Read chest radiographs, explain them, and join them with the symptoms into a severity.

    The symptoms' names, units and ranges: pneumoscope severity --help.

    Many images: give --out. A manifest is a CSV file with the column file and, if wanted, age, sex
    and columns called like the symptoms. The same command goes on with a run that was cut off.
    """
    if out is not None:
        _refuse_with_out(
            {
                "--symptom": symptom,
                "--symptoms": symptoms,
                "--age": age,
                "--sex": sex,
                "--json": json,
                "--overlay": overlay,
                "--report": report,
            }
        )
        diagnose_many(
            images,
            out,
            bundle=bundle,
            rule_base=rule_base,
            with_identity=with_identity,
            workers=workers,
        )
        return
    if len(images) > 1 or is_list(images[0]):
        raise InputError(f"{images[-1]}: for many images give --out results.jsonl (.csv, .parquet)")
    if workers is not None:
        raise InputError("--workers: is for many images; give --out, too")
    image = images[0]
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


def _refuse_with_out(given: Mapping[str, object]) -> None:
    """Refuse the options of one patient or one image where there may be many."""
    for option, value in given.items():
        if value is not None:
            raise InputError(
                f"{option} is for one image, --out for many; what is known of each patient goes "
                "into the columns of a manifest"
            )
