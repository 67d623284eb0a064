"""`pneumoscope track`: one patient's visits from a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import JsonTarget, RuleBaseName
from pneumoscope.cli.output import check_targets, json_target, write_result
from pneumoscope.errors import InputError
from pneumoscope.version import VERSION


def track(
    visits: Annotated[
        Path, typer.Argument(metavar="VISITS.json", help="The visits of one patient, oldest first.")
    ],
    show: Annotated[
        bool,
        typer.Option("--show", help="Show the whole course, up to the last visit (the default)."),
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Show each visit as it was assessed at its time.")
    ] = False,
    rule_base: Annotated[
        RuleBaseName | None,
        typer.Option(
            help="Rules for the severity of all visits. If not given: the file's, or guideline."
        ),
    ] = None,
    json: JsonTarget = None,
) -> None:
    """Follow one patient over several visits.

    Gives the severity of each visit, the patient's own ranges, and trends.

    The file is read and never changed, and nothing is stored elsewhere. To add
    a visit, write it at the end of the list and run the command again: the
    results of the earlier visits stay the same. A file with one visit, with
    symptoms named as in pneumoscope severity --help:

    \b
    {"schema_version": 1, "patient": {"age": 54}, "visits":
    [{"time": "2026-03-01T09:30:00+01:00",
    "symptoms": {"oxygen_level": 91, "fever_value": 38.5}}]}
    """  # noqa: D301 (\b keeps the lines of the example)
    if show and replay:
        raise InputError("--show and --replay are two views; give one")
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[visits])

    from pneumoscope.documents import to_course_document
    from pneumoscope.findings import Provenance
    from pneumoscope.reports import course_to_text, replay_to_text
    from pneumoscope.tracking import read_visits
    from pneumoscope.workflow import track_visits

    history = read_visits(visits)
    course = track_visits(
        history.visits, patient=history.patient, rule_base=rule_base or history.rule_base
    )
    document = to_course_document(
        course, Provenance(VERSION, datetime.now(UTC), rule_base=course.rule_base)
    )
    write_result(
        document,
        replay_to_text if replay else course_to_text,
        to_stdout=to_stdout,
        json_file=json_file,
    )
