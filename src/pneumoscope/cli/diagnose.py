"""`pneumoscope diagnose`: one radiograph and its patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import (
    check_targets,
    json_target,
    print_text,
    write_stdout,
)
from pneumoscope.errors import SymptomError
from pneumoscope.files import write_files


def diagnose(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, TIFF or DICOM file.")],
    symptom: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="One symptom; give all eleven, or none."),
    ] = None,
    symptoms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Symptoms as a JSON object.")
    ] = None,
    age: Annotated[float | None, typer.Option(help="Years; else from the DICOM header.")] = None,
    sex: Annotated[str | None, typer.Option(help="M or F; else from the DICOM header.")] = None,
    bundle: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model bundle.")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write JSON; - for stdout and nothing else."),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write where the network looked.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page for people.")
    ] = None,
    with_identity: Annotated[
        bool, typer.Option("--with-identity", help="Name the patient as the DICOM header does.")
    ] = False,
) -> None:
    """Read one chest radiograph, explain it, and join it with the symptoms into a severity."""
    to_stdout, json_file = json_target(json)
    check_targets(
        {"--json": json_file, "--overlay": overlay, "--report": report},
        sources=[image] if symptoms is None else [image, symptoms],
    )
    given = _symptoms(symptom or [], symptoms)

    from pneumoscope.reports import dump, to_document
    from pneumoscope.workflow import diagnose as run

    result = run(
        image,
        symptoms=given or None,
        age=age,
        sex=sex,
        bundle=bundle,
        with_identity=with_identity,
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


def _symptoms(pairs: list[str], file: Path | None) -> dict[str, float]:
    """Join the symptoms of the options with those of the file."""
    from pneumoscope.severity import parse_symptoms, read_symptoms

    given = parse_symptoms(pairs)
    if file is None:
        return given
    from_file = read_symptoms(file)
    twice = sorted(set(given) & set(from_file))
    if twice:
        raise SymptomError(f"symptom {twice[0]!r} is given in {file} and as an option; keep one")
    if not from_file and not given:
        raise SymptomError(f"{file}: holds no symptom; leave --symptoms out for none")
    return from_file | given
