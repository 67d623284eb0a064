"""`pneumoscope networks`: the laboratory's networks, which a recipe may name."""

from __future__ import annotations

from pneumoscope.cli.options import JsonTarget
from pneumoscope.cli.output import check_targets, json_target, need_lab, print_text, write_stdout
from pneumoscope.files import write_files


def networks(
    json: JsonTarget = None,
) -> None:
    """List the networks that a recipe may name.

    For each: parameters, input size, source of the initial weights, and options
    with their defaults.
    """
    to_stdout, json_file = json_target(json)
    check_targets({"--json": json_file})
    need_lab("the list of networks")

    from pneumoscope.documents import dump
    from pneumoscope.lab.networks import catalogue

    entries = [entry.as_dict() for entry in catalogue()]
    if json_file is not None:
        write_files({json_file: dump({"networks": entries}).encode()})
    if to_stdout:
        write_stdout(dump({"networks": entries}))
        return

    from pneumoscope.reports import networks_to_text

    print_text(networks_to_text(entries))
