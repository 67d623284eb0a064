"""docs/reference/cli.md agrees with the commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_commands_is_not_stale() -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "tools/commands_page.py", "--check"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
