"""`pneumoscope track`: one patient's visits from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.cli.output import check_targets, deliver, json_target
from pneumoscope.errors import InputError


def track(
    visits: Annotated[Path, typer.Argument(metavar="VISITS.json", help="The patient's visits.")],
    show: Annotated[
        bool, typer.Option("--show", help="Show the course as it is now; this is the default.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Show each visit as it was judged then.")
    ] = False,
    rule_base: Annotated[
        str | None, typer.Option(metavar="NAME", help="Score all visits by this rule base.")
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write JSON; - for stdout and nothing else."),
    ] = None,
) -> None:
    """Follow one patient: levels by the population's and the patient's own ranges, and trends."""
    if show and replay:
        raise InputError("--show and --replay are two views; give one")
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file}, sources=[visits])

    from pneumoscope.reports import course_to_text, replay_to_text, to_course_document
    from pneumoscope.tracking import read_visits
    from pneumoscope.workflow import track_visits

    history = read_visits(visits)
    course = track_visits(
        history.visits, patient=history.patient, rule_base=rule_base or history.rule_base
    )
    deliver(
        to_course_document(course),
        replay_to_text if replay else course_to_text,
        to_stdout=to_stdout,
        json_file=json_file,
    )
