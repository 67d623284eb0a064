"""`pneumoscope compare`: two bundles against the same labelled folder."""

from __future__ import annotations

from typing import Annotated

import typer

from pneumoscope.cli.options import (
    PATIENTS,
    AgeGroup,
    JsonTarget,
    LabelledFolder,
    Negative,
    PatientColumn,
    Positive,
    Where,
    parse_where,
)
from pneumoscope.cli.output import (
    check_targets,
    folder_data,
    json_target,
    overlap_data,
    reading_bar,
    write_result,
)


def compare(
    a: Annotated[str, typer.Option("--a", metavar="NAME|PATH", help="The first bundle, a.")],
    b: Annotated[str, typer.Option("--b", metavar="NAME|PATH", help="The second bundle, b.")],
    data: LabelledFolder,
    positive: Positive = None,
    negative: Negative = None,
    age_group: AgeGroup = None,
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
    json: JsonTarget = None,
) -> None:
    """Compare two bundles on the same images.

    Differences are a minus b, with 95% paired intervals and tests. The bundles
    must have the same classes.
    """
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[data])

    from pneumoscope.evaluation import compare_folder
    from pneumoscope.evaluation.reports import comparison_to_text, to_comparison_document

    with reading_bar() as progress:
        result = compare_folder(
            data,
            a,
            b,
            positive=positive,
            negatives=tuple(negative or ()),
            age_group=age_group,
            patient_column=patient_column,
            where=parse_where(where),
            progress=progress,
        )
    document = to_comparison_document(
        result.summary.as_dict(),
        bundles=(result.a, result.b),
        overlaps=(overlap_data(result.overlaps[0]), overlap_data(result.overlaps[1])),
        abstained=result.abstained,
        data=folder_data(result),
        without_overlap=None
        if result.without_overlap is None
        else result.without_overlap.as_dict(),
        warnings=result.warnings,
    )
    write_result(document, comparison_to_text, to_stdout=to_stdout, json_file=json_file)
