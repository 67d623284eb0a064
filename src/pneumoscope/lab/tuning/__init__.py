"""The genetic search for dropout (Zeng 2020), and the searches to compare it with."""

from pneumoscope.lab.tuning.found import Found
from pneumoscope.lab.tuning.journal import JOURNAL, Journal, Step
from pneumoscope.lab.tuning.ledger import Ledger
from pneumoscope.lab.tuning.objective import Objective, TrainingObjective, build_objective
from pneumoscope.lab.tuning.settings import METHODS, OBJECTIVES, SCALINGS, SearchSettings
from pneumoscope.lab.tuning.state import WarmUp
from pneumoscope.lab.tuning.tune import (
    PICTURE,
    RESULT,
    TUNED,
    TUNED_PER_UNIT,
    TuningResult,
    search,
    tune_dropout,
)
from pneumoscope.lab.tuning.unit_weights import (
    UNIT_WEIGHTS,
    describe_maps,
    unit_weights,
    weighted_rates,
)

__all__ = [
    "JOURNAL",
    "METHODS",
    "OBJECTIVES",
    "PICTURE",
    "RESULT",
    "SCALINGS",
    "TUNED",
    "TUNED_PER_UNIT",
    "UNIT_WEIGHTS",
    "Found",
    "Journal",
    "Ledger",
    "Objective",
    "SearchSettings",
    "Step",
    "TrainingObjective",
    "TuningResult",
    "WarmUp",
    "build_objective",
    "describe_maps",
    "search",
    "tune_dropout",
    "unit_weights",
    "weighted_rates",
]
