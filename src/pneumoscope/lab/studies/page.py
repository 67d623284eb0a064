"""A study's page: Markdown with figures, the numbers as JSON, and where they come from."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

from pneumoscope.files import told, write_files
from pneumoscope.findings import NOTICE
from pneumoscope.lab.training import git_commit

_PACKAGES = ("pneumoscope", "torch", "numpy", "scipy", "scikit-learn")


class Page:
    """Collects a page from top to bottom, then writes it.

    Parameters
    ----------
    name : str
        Of the files: ``NAME.md``, ``NAME.json``, ``NAME-FIGURE.svg``.
    title : str
    command : str
        What makes the page again.
    """

    def __init__(self, name: str, title: str, *, command: str) -> None:
        self.name = name
        self._command = command
        self._blocks = [f"# {title}"]
        self._figures: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        self._sources: dict[str, str] = {}

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._blocks.append(f"## {text}")

    def text(self, text: str) -> None:
        """Add a paragraph, or several, of Markdown."""
        self._blocks.append(text)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table of finished texts."""
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"a row of {len(row)} under a header of {len(header)}")
        lines = [header, ["---"] * len(header), *rows]
        self._blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))

    def figure(self, name: str, figure: Figure, caption: str) -> None:
        """Add a plot of figures; a patient's image never goes on a page."""
        file = f"{self.name}-{name}.svg"
        drawn = io.BytesIO()
        # A fixed salt and no date: the same numbers give the same file.
        with rc_context({"svg.hashsalt": self.name, "svg.fonttype": "none"}):
            figure.savefig(drawn, format="svg", metadata={"Date": None}, bbox_inches="tight")
        self._figures[file] = drawn.getvalue()
        self._blocks.append(f"![{caption}]({file})\n\n{caption}")

    def values(self, name: str, values: object) -> None:
        """Keep plain JSON values for ``NAME.json``."""
        self._values[name] = values

    def source(self, name: str, checksum: str) -> None:
        """Name a data set, a split's certificate or a recipe by its checksum."""
        self._sources[name] = checksum

    def write(self, folder: Path) -> Path:
        """Write the page, its figures and its numbers, all or none.

        Raises
        ------
        InputError
            A file cannot be written.
        """
        with told(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
        made_with = provenance()
        rows = {"command": f"`{self._command}`"} | made_with | self._sources
        self.heading("Where these figures come from")
        self.table(["what", "which"], [[key, value] for key, value in rows.items()])
        self.text(f"{NOTICE}")
        numbers = {"study": self.name, "command": self._command, "made_with": made_with}
        numbers |= {"sources": self._sources} | self._values
        page = folder / f"{self.name}.md"
        files = {folder / file: content for file, content in self._figures.items()}
        files[folder / f"{self.name}.json"] = (
            json.dumps(numbers, indent=1, allow_nan=False) + "\n"
        ).encode()
        files[page] = ("\n\n".join(self._blocks) + "\n").encode()
        write_files(files)
        return page


def provenance() -> dict[str, str]:
    """What made a figure: the program, the machine, the libraries."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    made: Mapping[str, str] = {
        "commit": git_commit() or "installed package",
        "machine": f"{platform.machine()}, {torch.get_num_threads()} cores, {device}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }
    return dict(made)
