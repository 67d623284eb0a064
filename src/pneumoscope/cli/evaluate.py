"""`pneumoscope evaluate`: a bundle against a labelled folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.cli.options import (
    PATIENTS,
    AgeGroup,
    JsonTarget,
    LabelledFolder,
    PatientColumn,
    Positive,
    Where,
    chosen,
)
from pneumoscope.cli.output import (
    check_targets,
    deliver,
    folder_data,
    json_target,
    overlap_data,
    reading_bar,
)

if TYPE_CHECKING:
    from pneumoscope.evaluation import FolderEvaluation


def evaluate(
    data: LabelledFolder,
    bundle: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model bundle.")
    ] = None,
    positive: Positive = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="A label that the bundle lacks, counted as the rest."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column of labels.csv to give subgroups of."),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Readers' boxes to measure the heatmaps against."),
    ] = None,
    age_group: AgeGroup = None,
    patient_column: PatientColumn = PATIENTS,
    where: Where = None,
    json: JsonTarget = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with the figures.")
    ] = None,
) -> None:
    """Score every readable image of a labelled folder, with 95% intervals over the patients."""
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
            where=chosen(where),
            progress=progress,
        )
    document = _document(result)
    pages = {}
    if report is not None:
        from pneumoscope.evaluation.reports import evaluation_to_html

        pages[report] = evaluation_to_html(document).encode()
    deliver(document, evaluation_to_text, to_stdout=to_stdout, json_file=json_file, others=pages)


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
