"""The command line: parses, calls, prints. It holds no rule of medicine or mathematics."""

from pneumoscope.cli.app import main

__all__ = ["main"]
