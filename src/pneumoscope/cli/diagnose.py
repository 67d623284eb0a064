"""`pneumoscope diagnose`: one radiograph and its patient, or many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.diagnose_many import diagnose_many, is_list
from pneumoscope.cli.options import (
    BundleName,
    Engine,
    JsonTarget,
    Precision,
    ReportTarget,
    RuleBase,
    Sex,
    SymptomFile,
    SymptomPairs,
    Threads,
)
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
            metavar="IMAGE...|DIR|MANIFEST.csv",
            help="A JPEG, PNG, TIFF or DICOM file. With --out: several, their folder, or a list.",
        ),
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
    engine: Engine = None,
    precision: Precision = None,
    threads: Threads = None,
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
            "JSON, the report and the JSON lines of --out.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl|csv|parquet",
            help="Write one row for each image: JSON lines, CSV or Parquet.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="With --out: worker processes. If not given: one per core."
        ),
    ] = None,
) -> None:
    """Read chest radiographs and explain them.

    With symptoms, the result also has a severity. Names, units and ranges of
    the symptoms: pneumoscope severity --help.

    Many images: give --out. A manifest is a CSV file with the column file and,
    if wanted, age, sex and columns named like the symptoms. The same command
    goes on with a run that was interrupted.
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
        if threads is not None:
            raise InputError("--threads: each of the --workers has one thread; leave it out")
        diagnose_many(
            images,
            out,
            bundle=bundle,
            engine=engine,
            precision=precision,
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

    from pneumoscope.documents import dump, to_document
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


def _refuse_with_out(given: Mapping[str, object]) -> None:
    """Refuse the options of one patient or one image where there may be many."""
    for option, value in given.items():
        if value is not None:
            raise InputError(
                f"{option} is for one image, --out for many; what is known of each patient goes "
                "into the columns of a manifest"
            )
