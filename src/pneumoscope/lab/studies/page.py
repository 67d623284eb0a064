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
from pneumoscope.metrics import Estimate

SMOKE_NOTICE = (
    "**A smoke run: it proves that the machinery works. Its figures mean nothing and must not be "
    "compared with anything.**"
)
_PACKAGES = ("pneumoscope", "torch", "numpy", "scipy", "scikit-learn", "opencv-python-headless")
_DESCRIBE = ("describe", "--always", "--abbrev=12", "--dirty", "--exclude=*")


class Page:
    """Collects a page from top to bottom, then writes it.

    Parameters
    ----------
    name : str
        Of the files: ``NAME.md``, ``NAME.json``, ``NAME-FIGURE.svg``.
    title : str
    command : str
        What makes the page again.
    notice : str
        What a reader must know before any figure; stands under the title.
    smoke : bool
        Its figures mean nothing: it shows no published figure that they could be compared with.

    Notes
    -----
    A study passes what was published through `published` and `published_text`, which keep it off
    a smoke page.
    """

    def __init__(
        self, name: str, title: str, *, command: str, notice: str = "", smoke: bool = False
    ) -> None:
        self.name = name
        self._command = command
        self._smoke = smoke
        self._blocks = [f"# {title}"]
        self._figures: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        self._sources: dict[str, str] = {}
        if notice:
            self.text(notice)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._blocks.append(f"## {text}")

    def text(self, text: str) -> None:
        """Add a paragraph, or several, of Markdown."""
        self._blocks.append(text)

    def published(self, figure: object) -> str:
        """Give a published figure for a table's cell; a dash where the page shows none."""
        return "-" if self._smoke else str(figure)

    def published_text(self, text: str) -> None:
        """Add a paragraph that names published figures, where the page shows them."""
        if not self._smoke:
            self.text(text)

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
        ValueError
            A value is NaN or infinite, which JSON does not have.
        """
        with told(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
        made_with = provenance()
        rows = {"command": f"`{self._command}`"} | made_with | self._sources
        self.heading("Where these figures come from")
        self.table(["what", "which"], [[key, value] for key, value in rows.items()])
        self.text(NOTICE)
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


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """Write an estimate as a table's cell: "0.912 (0.880 to 0.941)"; a dash where undefined."""
    if estimate.value is None:
        return "-"
    value = f"{estimate.value:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval)"
    return f"{value} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def provenance() -> dict[str, str]:
    """What made a figure: the program, the machine, the libraries."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    made: Mapping[str, str] = {
        "commit": git_commit() or "installed package",
        "machine": f"{platform.machine()}, {torch.get_num_threads()} cores, {device}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }
    return dict(made)
