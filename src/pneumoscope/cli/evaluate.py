"""`pneumoscope evaluate`: a bundle against a labelled folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.cli.options import (
    PATIENTS,
    AgeGroup,
    BundleName,
    JsonTarget,
    LabelledFolder,
    Negative,
    PatientColumn,
    Positive,
    ReportTarget,
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

if TYPE_CHECKING:
    from pneumoscope.evaluation import FolderEvaluation


def evaluate(
    data: LabelledFolder,
    bundle: BundleName = None,
    positive: Positive = None,
    negative: Negative = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Also report the subgroups of this column of labels.csv. Repeat the option for "
            "each column.",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Radiologists' boxes, to measure the heatmaps against."
        ),
    ] = None,
    age_group: AgeGroup = None,
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
    json: JsonTarget = None,
    report: ReportTarget = None,
) -> None:
    """Measure a bundle on labelled images.

    Every readable image is predicted. Metrics have 95% intervals from a
    bootstrap over patients.
    """
    to_stdout, json_file = json_target(json)
    targets = {"--json": json_file, "--report": report}
    read = [data, *([] if boxes is None else [boxes])]
    check_targets(targets, sources=read)

    from pneumoscope.evaluation import evaluate_folder
    from pneumoscope.evaluation.reports import evaluation_to_text

    with reading_bar() as progress:
        result = evaluate_folder(
            data,
            bundle=bundle,
            positive=positive,
            negatives=tuple(negative or ()),
            by=tuple(by or ()),
            boxes=boxes,
            age_group=age_group,
            patient_column=patient_column,
            where=parse_where(where),
            progress=progress,
        )
    document = _document(result)
    pages = {}
    if report is not None:
        from pneumoscope.evaluation.reports import evaluation_to_html

        pages[report] = evaluation_to_html(document).encode()
    write_result(
        document, evaluation_to_text, to_stdout=to_stdout, json_file=json_file, others=pages
    )


def _document(result: FolderEvaluation) -> dict[str, object]:
    from pneumoscope.evaluation.reports import to_evaluation_document

    return to_evaluation_document(
        result.summary.as_dict() | result.figures.as_dict(),
        bundle=result.bundle,
        data=folder_data(result),
        overlap=overlap_data(result.overlap),
        decisions=result.decisions.as_dict(),
        without_overlap=None
        if result.without_overlap is None
        else result.without_overlap.as_dict(),
        saliency=None if result.saliency is None else result.saliency.as_dict(),
        warnings=result.warnings,
    )
