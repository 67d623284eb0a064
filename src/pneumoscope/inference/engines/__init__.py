"""What runs a bundle's network: one file for each library, a table, one way to open them."""

from pneumoscope.inference.engines.engine import Engine, LoadedGraph
from pneumoscope.inference.engines.table import DEFAULT_ENGINE, ENGINES, open_engine

__all__ = ["DEFAULT_ENGINE", "ENGINES", "Engine", "LoadedGraph", "open_engine"]
