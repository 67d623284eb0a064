"""Help and completion: what a person sees who does not know the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from pneumoscope.cli.app import app
from pneumoscope.cli.options import EngineName
from pneumoscope.inference import ENGINES

Cli = Callable[..., Any]
GROUPS = {
    "Read": ["diagnose", "severity", "track", "show", "verify", "schema"],
    "Measure": ["evaluate", "compare", "data"],
    "Models": ["networks", "bundle"],
    "Laboratory": [
        *("split", "train", "export", "tune-dropout", "study", "train-lungs"),
        "train-picture-check",
    ],
    "Try": ["phantom"],
}


def sections(text: str) -> dict[str, dict[str, str]]:
    """Headings of a help text to their rows of name and words."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            rows = found.setdefault(line.removesuffix(":"), {})
        elif row := re.fullmatch(r"  (\S+)  +(\S.*)", line):
            rows[row[1]] = row[2]
    return found


def test_the_commands_stand_in_groups_with_a_whole_line_each(cli: Cli) -> None:
    told = sections(cli("--help").out)
    assert {group: list(told[group]) for group in GROUPS} == GROUPS
    for group in GROUPS:
        for words in told[group].values():
            assert len(words) <= 45
            assert words.endswith(".")
            assert not words.endswith("..")


def test_every_command_of_a_group_has_a_whole_line(cli: Cli) -> None:
    for group in ("data", "bundle"):
        for words in sections(cli(group, "--help").out)["Commands"].values():
            assert words.endswith(".")
            assert not words.endswith("..")


def test_every_option_says_what_it_is_for() -> None:
    groups = [info.typer_instance for info in app.registered_groups]
    commands = [c for typer in (app, *groups) for c in typer.registered_commands]
    assert len(commands) == 20
    for command in commands:
        assert command.callback is not None
        hints = get_type_hints(command.callback, include_extras=True)
        hints.pop("return")
        for name, hint in hints.items():
            told = get_args(hint)[1].help
            assert told, (command.name, name)
            assert told.endswith("."), (command.name, name)


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        (["diagnose", "image.png", "--sex"], ["M", "F"]),
        (["study", "--scale"], ["full", "reduced", "smoke"]),
        (["split", "--by"], ["patient", "image"]),
    ],
)
def test_the_shell_completes_a_choice(words: list[str], choices: list[str], tmp_path: Path) -> None:
    program = "import sys; sys.argv = ['pneumoscope']; from pneumoscope.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ
        | {
            "_PNEUMOSCOPE_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["pneumoscope", *words, ""]),
            "COMP_CWORD": str(len(words) + 1),
        },
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        timeout=60,
    )
    assert ended.stdout.decode().split() == choices


def test_the_engines_are_those_that_can_be_opened() -> None:
    assert set(get_args(EngineName)) == set(ENGINES)
