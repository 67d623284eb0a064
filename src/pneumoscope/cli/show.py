"""`pneumoscope show` and `schema`: stored results, and what their JSON looks like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pneumoscope.cli.output import check_targets, print_text, write_stdout
from pneumoscope.errors import InputError
from pneumoscope.files import write_files

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pneumoscope.documents import Document


# The literals of `documents.SCHEMAS`, which is slow to import for `--help`.
SchemaName = Literal["diagnosis", "severity", "course", "visits"]


def show(
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT.json", help="What diagnose, severity or track wrote with --json."
        ),
    ],
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page for people, of a diagnosis."),
    ] = None,
) -> None:
    """Show a stored result again.

    Nothing is computed: the numbers are those of the file. The page has no pictures, as a result
    holds no pixels.
    """
    check_targets({"--report": report}, sources=[result])

    from pneumoscope.documents import DiagnosisDocument, read_document
    from pneumoscope.reports import plain

    document = read_document(result)
    written: list[RenderableType] = []
    if report is not None:
        if not isinstance(document, DiagnosisDocument):
            raise InputError(f"{result}: is a {document.document}; --report needs a diagnosis")

        from pneumoscope.reports import to_html

        write_files({report: to_html(document).encode()})
        written = [plain(f"Written: {report}")]
    print_text(_text(document), *written)


def _text(document: Document) -> RenderableType:
    from pneumoscope.documents import CourseDocument, DiagnosisDocument, SeverityDocument
    from pneumoscope.reports import course_to_text, severity_to_text, to_text

    match document:
        case DiagnosisDocument():
            return to_text(document)
        case SeverityDocument():
            return severity_to_text(document)
        case CourseDocument():
            return course_to_text(document)
    raise TypeError(f"no text for a {document.document}")


def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which one.", show_default=False)],
) -> None:
    """Print a JSON schema.

    Of a result that diagnose, severity or track writes, or of the file of visits that track reads.
    """
    from pneumoscope.documents import dump
    from pneumoscope.documents import schema as of_document

    write_stdout(dump(of_document(name)))
