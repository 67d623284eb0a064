"""`pneumoscope track`: one patient's visits from a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.options import RULE_BASES, JsonTarget
from pneumoscope.cli.output import check_targets, deliver, json_target
from pneumoscope.errors import InputError
from pneumoscope.version import VERSION


def track(
    visits: Annotated[
        Path, typer.Argument(metavar="VISITS.json", help="One patient's visits, oldest first.")
    ],
    show: Annotated[
        bool, typer.Option("--show", help="Show the course up to the last visit; the default.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Show each visit as it was judged on its day.")
    ] = False,
    rule_base: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Score all visits by {RULE_BASES}; else by the file's, else guideline.",
        ),
    ] = None,
    json: JsonTarget = None,
) -> None:
    """Follow one patient over the visits of a file: levels, the patient's own ranges, trends.

    The file is yours: it is read and never changed, and nothing is stored elsewhere. To add a
    visit, write it at the end of the list and run the command again; what was said of the earlier
    visits stays as it was. A file with one visit, its symptoms named as in pneumoscope severity:

    {"schema_version": 1, "patient": {"age": 54}, "visits": [{"time": "2026-03-01T09:30:00+01:00",
    "symptoms": {"oxygen_level": 91, "fever_value": 38.5}}]}
    """
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
    deliver(
        document,
        replay_to_text if replay else course_to_text,
        to_stdout=to_stdout,
        json_file=json_file,
    )
