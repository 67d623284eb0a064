"""The model card and the terms that travel with a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pneumoscope.evaluation import PATIENT_COLUMN, Estimate
from pneumoscope.findings import NOTICE, ImageKind
from pneumoscope.lab.datasets import FOUR_WAY
from pneumoscope.lab.networks import Network, count_parameters
from pneumoscope.lab.training.finished import FinishedRun
from pneumoscope.lab.training.looks import Looks
from pneumoscope.lab.training.measure import PartFigures
from pneumoscope.lab.training.randomisation import SEEDS
from pneumoscope.lab.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class CardFacts:
    """Everything that the card states.

    Attributes
    ----------
    recipe : Recipe
    recipe_text : str
        The recipe as it was given.
    network : Network
    certificate : dict
        The split's certificate.
    leaks : tuple of str
        Why the figures flatter, in words; empty for an honest split.
    temperature, threshold : float
        The calibration and the operating point.
    without_patients : tuple of str
        Sources of which no patients are known.
    figures : tuple of PartFigures
        On the report part.
    beside : tuple of PartFigures
        On sets that are in no part.
    comparison : pair of FinishedRun or None
        The same recipe split by patient and by image.
    looks : Looks or None
        Where it looks; None where no source has boxes.
    parity : (float, float)
        Largest difference of the graph from the network, on logits and maps.
    machine : str
        What measured it.
    """

    recipe: Recipe
    recipe_text: str
    network: Network
    certificate: dict[str, Any]
    leaks: tuple[str, ...]
    temperature: float
    threshold: float
    without_patients: tuple[str, ...]
    figures: tuple[PartFigures, ...]
    beside: tuple[PartFigures, ...]
    comparison: tuple[FinishedRun, FinishedRun] | None
    looks: Looks | None
    parity: tuple[float, float]
    machine: str


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Write a figure with its 95% interval, such as "0.912 (0.880 to 0.941)"."""
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{digits}f} (no interval)"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def render_card(facts: CardFacts) -> str:
    """Render the model card as Markdown."""
    return _environment().get_template("card.md.j2").render(_values(facts))


def licence_text(recipe: Recipe) -> str:
    """State the terms of every set that the network was trained on."""
    return _environment().get_template("licence.txt.j2").render(recipe=recipe, notice=NOTICE)


def _values(facts: CardFacts) -> dict[str, Any]:
    fold = facts.certificate["folds"][0]
    return {
        "facts": facts,
        "recipe": facts.recipe,
        "parameters": count_parameters(facts.network),
        "fold": fold,
        "counts": fold["counts"],
        "own_scheme": FOUR_WAY,
        "compared": _same_populations(facts.comparison),
        "grouped": [s for s in facts.recipe.sources if s.patient_column != PATIENT_COLUMN],
        "is_ct": facts.recipe.reads is ImageKind.CHEST_CT,
        "seeds": SEEDS,
        "notice": NOTICE,
    }


def _same_populations(
    runs: tuple[FinishedRun, FinishedRun] | None,
) -> list[tuple[PartFigures, PartFigures]]:
    """Pair two runs' figures; a rare view may be in the report part of only one of them."""
    if runs is None:
        return []
    other = {part.population: part for part in runs[1].figures}
    return [(p, other[p.population]) for p in runs[0].figures if p.population in other]


def _environment() -> Environment:
    # Markdown and plain text: there is nothing to escape.
    environment = Environment(
        loader=PackageLoader("pneumoscope.lab.training"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["interval"] = interval
    return environment
