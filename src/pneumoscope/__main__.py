"""`python -m pneumoscope`: the same as the command `pneumoscope`."""

from __future__ import annotations

from pneumoscope.cli import main

if __name__ == "__main__":
    main()
