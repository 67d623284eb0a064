"""The model card and the terms that travel with a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pneumoscope.evaluation import PATIENT_COLUMN
from pneumoscope.findings import NOTICE, ImageKind, OperatingPoint, Profile, Purpose
from pneumoscope.lab.datasets import FOUR_WAY
from pneumoscope.lab.networks import Network, count_parameters
from pneumoscope.lab.training.evidence_map import FLOOR_SHARE, Outlining
from pneumoscope.lab.training.finished_run import DISTANCE_SHARE, FinishedRun
from pneumoscope.lab.training.measure import PartFigures, read_as
from pneumoscope.lab.training.profiles import COVERAGE, LEAST_OF_EACH, taught_classes
from pneumoscope.lab.training.randomisation import SEEDS
from pneumoscope.lab.training.recipe import Recipe, Source
from pneumoscope.lab.training.saliency_card import SaliencyCard
from pneumoscope.lab.training.variants import Variant
from pneumoscope.metrics import SALIENCY_MEASURES, Estimate
from pneumoscope.reports import format_threshold

MEASURES = {
    "auprc": "pixelwise AUPRC",
    "mass": "mass in the boxes",
    "mask": "Otsu mask in the boxes",
    "pointing": "pointing game",
}


@dataclass(frozen=True, slots=True, eq=False)
class CardFacts:
    """Everything that the card states.

    Attributes
    ----------
    recipe : Recipe
    recipe_text : str
        The recipe as it was given.
    finished : FinishedRun
        What was fitted and measured.
    network : Network
    certificate : dict
        The split's certificate.
    leaks : tuple of str
        Why the figures flatter, in words; empty for an honest split.
    without_patients : tuple of str
        Sources of which no patients are known.
    comparison : pair of FinishedRun or None
        The same recipe split by patient and by image.
    looks : SaliencyCard or None
        Where it looks; None where no source has boxes.
    outlined : Outlining
        For whom the evidence map is outlined.
    variants : tuple of Variant
        Other precisions that were tried; empty where none was.
    parity : mapping of str to float
        Largest difference of the graph from the network, by output.
    record : mapping
        What the training was made with; see `run_folder.read_record`.
    machine : str
        What measured it.
    """

    recipe: Recipe
    recipe_text: str
    finished: FinishedRun
    network: Network
    certificate: dict[str, Any]
    leaks: tuple[str, ...]
    without_patients: tuple[str, ...]
    comparison: tuple[FinishedRun, FinishedRun] | None
    looks: SaliencyCard | None
    outlined: Outlining
    variants: tuple[Variant, ...]
    parity: Mapping[str, float]
    record: Mapping[str, Any]
    machine: str


def interval(estimate: Estimate | None, digits: int = 3) -> str:
    """Write a figure with its 95% interval, such as "0.912 (0.880 to 0.941)"."""
    if estimate is None:
        return "-"
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{digits}f} (no interval)"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def render_card(facts: CardFacts) -> str:
    """Render the model card as Markdown."""
    return _environment().get_template("card.md.j2").render(_values(facts))


def licence_text(recipe: Recipe, network: Network) -> str:
    """State the terms of all that the network was trained on, and started from."""
    template = _environment().get_template("licence.txt.j2")
    return template.render(recipe=recipe, start=network.started_from, notice=NOTICE)


def _values(facts: CardFacts) -> dict[str, Any]:
    fold = facts.certificate["folds"][0]
    finished = facts.finished
    return {
        "facts": facts,
        "recipe": facts.recipe,
        "finished": finished,
        "parameters": count_parameters(facts.network),
        "start": facts.network.started_from,
        "fold": fold,
        "counts": fold["counts"],
        "own_scheme": FOUR_WAY,
        "several_groups": len(facts.recipe.age_groups) > 1,
        "untaught": {s.name: _untaught(facts.recipe, s) for s in facts.recipe.sources},
        "train_only": [s.name for s in facts.recipe.sources if s.train_only],
        "thresholds": [(read_as(p.profile), _points(p.profile)) for p in finished.profiles],
        "promised": [p for p in finished.figures if p.sets is not None],
        "compared": _same_populations(facts.comparison),
        "grouped": [s for s in facts.recipe.sources if s.patient_column != PATIENT_COLUMN],
        "is_ct": facts.recipe.reads is ImageKind.CHEST_CT,
        "rule_out": Purpose.RULE_OUT,
        "rule_in": Purpose.RULE_IN,
        "coverage": COVERAGE,
        "least_of_each": LEAST_OF_EACH,
        "floor_share": FLOOR_SHARE,
        "distance_share": DISTANCE_SHARE,
        "measures": [(name, MEASURES[name]) for name in SALIENCY_MEASURES],
        "seeds": SEEDS,
        "notice": NOTICE,
    }


def _untaught(recipe: Recipe, source: Source) -> list[str]:
    """Name the classes that no source of a source's age group has labels for."""
    taught = taught_classes(recipe, recipe.group_of(source) or 0)
    return [name for name in source.absent_classes if name not in taught]


def _points(profile: Profile) -> dict[Purpose, OperatingPoint]:
    return {point.purpose: point for point in profile.operating_points}


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
    environment.filters["read_as"] = read_as
    environment.filters["threshold"] = format_threshold
    return environment
