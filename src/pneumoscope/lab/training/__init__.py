"""Training from a recipe, and export to a bundle."""

from pneumoscope.lab.training.export import export
from pneumoscope.lab.training.recipe import Recipe, read_recipe
from pneumoscope.lab.training.run import train

__all__ = ["Recipe", "export", "read_recipe", "train"]
