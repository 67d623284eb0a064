"""Walls between the rooms that import-linter cannot draw."""

import ast
import importlib
import tomllib
from pathlib import Path

import pneumoscope

PACKAGE = Path(pneumoscope.__file__).parent
ROOT = Path(__file__).parents[1]
ROOMS = sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file())
# What may be imported from anywhere, as it is a module and no room.
MODULES = [[p.stem] for p in PACKAGE.glob("*.py") if not p.stem.startswith("__")]
# Rooms within a room that have a door of their own, beside those of the laboratory.
DOORS = [["evaluation", "reports"]]
LAB_COMMANDS = {"networks", "split", "study", "train", "train_lungs", "train_picture_check"}
LAB_COMMANDS |= {"tune_dropout"}
SHARED = {"__init__", "app", "options"}


def _contract(name: str) -> dict[str, list[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (found,) = [c for c in settings["tool"]["importlinter"]["contracts"] if name in c["name"]]
    return found


def test_a_room_is_entered_by_its_front_door_only() -> None:
    """Another room's names come from its ``__init__``."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            package, *inside = node.module.split(".")
            door = 2 if inside[:1] == ["lab"] or inside[:2] in DOORS else 1
            foreign = package == "pneumoscope" and inside[:1] not in [[room], *MODULES]
            if foreign and len(inside) > door:
                found.append(f"{path.relative_to(PACKAGE)}: {node.module}")
    assert found == []


def test_what_is_imported_of_a_room_is_one_of_its_public_names() -> None:
    """A type checker cannot tell: some rooms load their names when they are first used."""
    rooms = [f"pneumoscope.{room}" for room in set(ROOMS) - {"lab"}]
    rooms += [".".join(["pneumoscope", *door]) for door in DOORS]
    public = {room: set(importlib.import_module(room).__all__) for room in rooms}
    folders = (PACKAGE, ROOT / "tests", ROOT / "bench")
    found = [
        f"{path.relative_to(ROOT)}: {node.module} has no {alias.name}"
        for folder in folders
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in public
        for alias in node.names
        if alias.name not in public[node.module] and not _is_module(node.module, alias.name)
    ]
    assert found == []


def _is_module(room: str, name: str) -> bool:
    folder = PACKAGE.joinpath(*room.split(".")[1:])
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def test_every_clinical_room_is_kept_from_the_training_frameworks() -> None:
    walled = set(_contract("training framework")["source_modules"])
    clinical = set(ROOMS) - {"cli", "lab"}
    assert walled == {f"pneumoscope.{room}" for room in clinical}


def test_every_command_is_kept_from_the_laboratory_or_is_its_own() -> None:
    walled = set(_contract("its own commands")["source_modules"])
    commands = {path.stem for path in (PACKAGE / "cli").glob("*.py")} - LAB_COMMANDS - SHARED
    assert walled == {f"pneumoscope.cli.{name}" for name in commands}


def test_the_page_of_the_api_has_every_room() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    shown = {line.removeprefix("::: pneumoscope.") for line in page.splitlines() if ":::" in line}
    assert shown >= set(ROOMS) - {"cli", "lab"}
