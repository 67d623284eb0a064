"""The genetic search for dropout (Zeng 2020), and the searches to compare it with."""

from pneumoscope.lab.tuning.found import Found
from pneumoscope.lab.tuning.journal import JOURNAL, Journal, Step
from pneumoscope.lab.tuning.ledger import Ledger
from pneumoscope.lab.tuning.objective import Objective, build_objective
from pneumoscope.lab.tuning.settings import METHODS, SCALINGS, SearchSettings
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

__all__ = [
    "JOURNAL",
    "METHODS",
    "PICTURE",
    "RESULT",
    "SCALINGS",
    "TUNED",
    "TUNED_PER_UNIT",
    "Found",
    "Journal",
    "Ledger",
    "Objective",
    "SearchSettings",
    "Step",
    "TuningResult",
    "WarmUp",
    "build_objective",
    "search",
    "tune_dropout",
]
