"""Training from a recipe, and export to a bundle."""

from pneumoscope.lab.training.answers import logits_of
from pneumoscope.lab.training.export import export
from pneumoscope.lab.training.malloc import keep_freed_memory
from pneumoscope.lab.training.module import masked_logits
from pneumoscope.lab.training.prepare import PreparedData, SplitChoice, prepare, split_recipe
from pneumoscope.lab.training.provenance import git_commit
from pneumoscope.lab.training.recipe import (
    DATA_VARIABLE,
    Recipe,
    read_recipe,
    source_folder,
)
from pneumoscope.lab.training.run import train
from pneumoscope.lab.training.run_folder import BEST, LAST, METRICS, RECIPE, RECORD, prepare_again
from pneumoscope.lab.training.weights import build_network, check_finite, load_weights

__all__ = [
    "BEST",
    "DATA_VARIABLE",
    "LAST",
    "METRICS",
    "RECIPE",
    "RECORD",
    "PreparedData",
    "Recipe",
    "SplitChoice",
    "build_network",
    "check_finite",
    "export",
    "git_commit",
    "keep_freed_memory",
    "load_weights",
    "logits_of",
    "masked_logits",
    "prepare",
    "prepare_again",
    "read_recipe",
    "source_folder",
    "split_recipe",
    "train",
]
