"""`pneumoscope diagnose`: one radiograph and its patient."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import (
    BundleName,
    JsonTarget,
    ReportTarget,
    RuleBase,
    Sex,
    SymptomFile,
    SymptomPairs,
)
from pneumoscope.cli.output import (
    check_targets,
    given_symptoms,
    json_target,
    print_text,
    write_stdout,
)
from pneumoscope.files import write_files


def diagnose(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="A JPEG, PNG, TIFF or DICOM file.")
    ],
    symptom: SymptomPairs = None,
    symptoms: SymptomFile = None,
    age: Annotated[
        float | None,
        typer.Option(metavar="YEARS", help="Age of the patient. If not given: the DICOM header's."),
    ] = None,
    sex: Annotated[
        Sex | None, typer.Option(help="Sex of the patient. If not given: the DICOM header's.")
    ] = None,
    bundle: BundleName = None,
    rule_base: RuleBase = "guideline",
    json: JsonTarget = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write the radiograph with the heatmap over it."),
    ] = None,
    report: ReportTarget = None,
    with_identity: Annotated[
        bool,
        typer.Option(
            "--with-identity",
            help="Put the patient's name, number and birth date from the DICOM header into the "
            "JSON and the report.",
        ),
    ] = False,
) -> None:
    """Read a chest radiograph and explain it.

    With symptoms, the result also has a severity. Names, units and ranges of
    the symptoms: pneumoscope severity --help.
    """
    to_stdout, json_file = json_target(json)
    check_targets(
        {"--json": json_file, "--overlay": overlay, "--report": report},
        sources=[image] if symptoms is None else [image, symptoms],
    )
    given = given_symptoms(symptom or [], symptoms)

    from pneumoscope.documents import dump, to_document
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
    document = to_document(result)
    files: dict[Path, bytes] = {}
    if json_file is not None:
        files[json_file] = dump(document).encode()
    if overlay is not None:
        from pneumoscope.reports import overlay_png

        files[overlay] = overlay_png(result)
    if report is not None:
        from pneumoscope.reports import to_html

        files[report] = to_html(document, result).encode()
    write_files(files)
    if to_stdout:
        write_stdout(dump(document))
        return

    from pneumoscope.reports import plain, to_text

    print_text(to_text(document), *(plain(f"Written: {path}") for path in files))
