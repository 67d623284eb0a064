"""The examples in docstrings run as they stand, in a new folder and with their own imports."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import pneumoscope

ROOMS = ("workflow", "severity", "imaging", "tracking")


def examples() -> Iterator[doctest.DocTest]:
    """Yield each docstring of the main rooms that holds an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    (root,) = pneumoscope.__path__
    for room in ROOMS:
        for module in pkgutil.walk_packages([f"{root}/{room}"], f"pneumoscope.{room}."):
            found = finder.find(importlib.import_module(module.name), globs={})
            yield from (each for each in found if each.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_runs(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example, out=report.append)
    assert report == []


def test_every_main_room_has_an_example() -> None:
    assert {example.name.split(".")[1] for example in examples()} == set(ROOMS)
