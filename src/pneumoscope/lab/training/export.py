"""A finished run to a bundle: calibrate, choose operating points, measure, export, check."""

from __future__ import annotations

import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from pneumoscope.bundles import (
    CARD,
    GRAPH,
    LICENCE,
    SCHEMA_VERSION,
    TRAINING_IMAGES,
    Bundle,
    write_bundle,
)
from pneumoscope.errors import BundleError, PneumoscopeError, RecipeError
from pneumoscope.findings import Profile
from pneumoscope.lab.datasets import RadiographDataset
from pneumoscope.lab.training.card import CardFacts, licence_text, render_card
from pneumoscope.lab.training.evidence_map import Outlining, outlining
from pneumoscope.lab.training.finished_run import FinishedRun, open_run
from pneumoscope.lab.training.graph import parity, to_graph
from pneumoscope.lab.training.malloc import keep_freed_memory
from pneumoscope.lab.training.prepare import PreparedData
from pneumoscope.lab.training.run_folder import RECIPE, read_record
from pneumoscope.lab.training.saliency_card import (
    SaliencyCard,
    boxed_sources,
    measure_saliency_card,
)
from pneumoscope.lab.training.variants import MARGIN, Variant, try_variants

# Largest differences of a graph from its network; see `parity`.
TOLERANCES = {
    "logits": 1e-3,
    "activation_maps": 1e-2,
    "evidence": 1e-3,
    "age_group_logits": 1e-3,
    "distance": 1e-2,
}
PARITY_IMAGES = 16


def export(
    run: Path,
    out: Path,
    *,
    split_comparison: tuple[Path, Path] | None = None,
    variants: bool = False,
    margin: float = MARGIN,
) -> Bundle:
    """Turn a run into a bundle.

    Parameters
    ----------
    run : Path
        A run folder.
    out : Path
        The bundle's folder; must not exist.
    split_comparison : (Path, Path) or None
        Two runs of one recipe, split by patient and by image: the card then says what a split by
        image would have claimed.
    variants : bool
        Whether int8 and bf16 are tried, with every engine that is installed, and kept where they
        are as good; see `try_variants`.
    margin : float
        How much worse or better one may be.

    Returns
    -------
    Bundle

    Raises
    ------
    RecipeError
        See `open_run`; or the two runs differ in more than the split.
    BundleError
        `out` exists or cannot be written.
    PneumoscopeError
        The exported graph does not agree with the network.
    """
    _check_place(out)
    # Thousands of images are answered: half of the time went into giving memory back.
    keep_freed_memory()
    finished = open_run(run)
    recipe, data = finished.recipe, finished.data
    comparison = None
    if split_comparison is not None:
        comparison = _compare(finished, run, *split_comparison)
    graph = to_graph(finished.exported, recipe.input.size)
    differences = _gate(finished, graph)
    contents = {
        GRAPH: graph,
        LICENCE: licence_text(recipe, finished.network).encode(),
        TRAINING_IMAGES: _training_images(data).encode(),
    }
    further, tried = try_variants(finished, graph, margin=margin) if variants else ({}, ())
    looks = _looks(finished, run, contents)
    outlined = outlining(finished.reading.groups, looks.by_group if looks else {})
    facts = CardFacts(
        recipe=recipe,
        recipe_text=(run / RECIPE).read_text(encoding="utf-8"),
        finished=finished,
        network=finished.network,
        certificate=data.certificate,
        leaks=data.leaks,
        without_patients=data.collection.without_patients,
        comparison=comparison,
        looks=looks,
        outlined=outlined,
        variants=tried,
        parity=differences,
        record=read_record(run),
        machine=f"{platform.machine()}, torch {torch.__version__}",
    )
    card = {CARD: render_card(facts).encode()}
    description = _description(finished, outlined)
    description["variants"] = [_variant(each) for each in tried if each.taken]
    return write_bundle(out, description, contents | card | further)


def _check_place(out: Path) -> None:
    """Refuse a folder that cannot be made, before minutes of measuring and not after."""
    if out.exists():
        raise BundleError(f"{out}: already exists; give another folder")
    above = next(parent for parent in out.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise BundleError(f"{out}: cannot be made in {above}; give another folder")


def _looks(finished: FinishedRun, run: Path, contents: dict[str, bytes]) -> SaliencyCard | None:
    """Measure where the network looks with a draft of its bundle, whose card is still empty."""
    recipe = finished.recipe
    if not boxed_sources(recipe):
        return None
    unknown = outlining(finished.reading.groups, {})
    with tempfile.TemporaryDirectory() as place:
        description = _description(finished, unknown)
        draft = write_bundle(Path(place) / "draft", description, contents | {CARD: b""})
        return measure_saliency_card(recipe, run / RECIPE, finished.data, finished.network, draft)


def _description(finished: FinishedRun, outlined: Outlining) -> dict[str, object]:
    """``bundle.json`` without its files."""
    recipe, data = finished.recipe, finished.data
    spec = recipe.input.spec
    counts = np.bincount(data.collection.sources, minlength=len(recipe.sources))
    evidence: dict[str, object] | None = None
    if recipe.evidence is not None and finished.floor is not None:
        evidence = {
            "classes": list(recipe.evidence.classes),
            "shown": recipe.evidence.shown,
            "floor": finished.floor,
            "outlined_for": list(outlined.allowed),
            "why_not_outlined": dict(outlined.why_not),
        }
    return {
        "schema_version": SCHEMA_VERSION,
        "name": recipe.name,
        "version": recipe.version,
        "reads": recipe.reads,
        "classes": list(recipe.classes),
        "input": {
            "size": spec.size,
            "clahe_clip": spec.clahe_clip,
            "clahe_tiles": spec.clahe_tiles,
            "channels": spec.channels,
        },
        "age_groups": [group.model_dump() for group in recipe.age_groups],
        "profiles": [_profile(profile) for profile in finished.reading.profiles],
        "evidence": evidence,
        "distance_limits": dict(finished.reading.limits),
        "training_sets": [
            {
                "name": source.name,
                "population": source.population,
                "licence": source.licence,
                "citation": source.citation,
                "images": int(count),
                "ages": source.ages,
                "absent_classes": list(source.absent_classes),
            }
            for source, count in zip(recipe.sources, counts, strict=True)
        ],
        "split_sha256": data.certificate["sha256"],
        "leaks": list(data.leaks),
        "not_for": list(recipe.not_for),
        "picture_check": recipe.picture_check,
    }


def _variant(variant: Variant) -> dict[str, object]:
    """One of the ``variants`` of ``bundle.json``."""
    return {
        "engine": variant.engine,
        "precision": variant.precision,
        "graph": variant.graph,
        "profiles": [_profile(profile) for profile in variant.profiles],
        "distance_limits": dict(variant.distance_limits),
        "evidence_floor": variant.evidence_floor,
    }


def _profile(profile: Profile) -> dict[str, object]:
    """One of the ``profiles`` of ``bundle.json``."""
    sets = None
    if profile.coverage is not None:
        sets = {"coverage": profile.coverage, "min_probability": profile.min_probability}
    return {
        "age_group": profile.age_group,
        "view": profile.view or None,
        "classes": list(profile.classes),
        "calibration": {"temperature": profile.temperature, "biases": dict(profile.biases)},
        "operating_points": [asdict(point) for point in profile.operating_points],
        "prediction_set": sets,
    }


def _gate(finished: FinishedRun, graph: bytes) -> dict[str, float]:
    """Refuse a graph that does not answer as the network does."""
    data = finished.data
    part = data.split.indices("calibrate")
    chosen = part[:: max(1, len(part) // PARITY_IMAGES)]
    dataset = RadiographDataset(data.collection, chosen, finished.recipe.input.spec)
    images = np.stack([dataset[i][0].numpy() for i in range(min(len(dataset), PARITY_IMAGES))])
    differences = parity(finished.exported, graph, images)
    # Written so that a graph that answers "not a number" is refused, too.
    wrong = [name for name, far in differences.items() if not far <= TOLERANCES[name]]
    if wrong:
        told = ", ".join(f"{differences[name]:.1e} on {name}" for name in wrong)
        raise PneumoscopeError(
            f"the exported graph differs from the network by {told}; no bundle was written"
        )
    return differences


def _training_images(data: PreparedData) -> str:
    """Name every image that trained, stopped or calibrated the network, exactly and by its look."""
    parts = [data.split.indices(part) for part in ("train", "stop", "calibrate")]
    names = list(zip(data.collection.fingerprints, data.collection.hashes, strict=True))
    used = {" ".join(names[i]) for i in np.concatenate(parts)}
    return "\n".join(sorted(used)) + "\n"


def _compare(
    finished: FinishedRun, run: Path, by_patient: Path, by_image: Path
) -> tuple[FinishedRun, FinishedRun]:
    """Open two runs that differ in their split alone."""
    first = finished if by_patient.resolve() == run.resolve() else open_run(by_patient)
    second = open_run(by_image)
    if (first.data.drawn.by, second.data.drawn.by) != ("patient", "image"):
        raise RecipeError("the split comparison needs a run by patient, then a run by image")
    parts = [one.recipe.training_part() | {"split": None} for one in (first, second)]
    if parts[0] != parts[1]:
        raise RecipeError(f"{by_patient} and {by_image} differ in more than their split")
    return first, second
