"""What a graph must take and give to be the network of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pneumoscope.bundles import BundleDescription

INPUT = "images"
LOGITS, MAPS = "logits", "activation_maps"
EVIDENCE, AGE_GROUPS, DISTANCE = "evidence", "age_group_logits", "distance"

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """An input or an output of a graph.

    Attributes
    ----------
    name : str
    shape : tuple of int or None
        The number of images first; None is any number.
    is_float32 : bool
        Whether its numbers are in single precision.
    """

    name: str
    shape: Shape
    is_float32: bool


def expected_outputs(described: BundleDescription) -> dict[str, tuple[Shape, ...]]:
    """Name the outputs that a graph must have, with the shapes allowed for one image.

    Parameters
    ----------
    described : BundleDescription

    Returns
    -------
    dict of str to tuple of shapes
        Without the number of images; None is any number.
    """
    classes, groups = len(described.classes), len(described.age_groups)
    outputs: dict[str, tuple[Shape, ...]] = {
        LOGITS: ((classes,), (groups, classes)),
        MAPS: ((classes, None, None), (groups, classes, None, None)),
    }
    if described.evidence is not None:
        outputs[EVIDENCE] = ((len(described.evidence.classes), None, None),)
    if groups > 1:
        outputs[AGE_GROUPS] = ((groups,),)
    if described.distance_limits:
        outputs[DISTANCE] = ((groups,),)
    return outputs


def fits(described: BundleDescription, inputs: Sequence[Node], outputs: Sequence[Node]) -> bool:
    """Whether a graph of these inputs and outputs is what the description says."""
    spec, expected = described.input.spec(), expected_outputs(described)
    return (
        [node.name for node in inputs] == [INPUT]
        and {node.name for node in outputs} == set(expected)
        and all(node.is_float32 for node in (*inputs, *outputs))
        and inputs[0].shape[1:] == (spec.channels, spec.size, spec.size)
        and all(_is_one_of(node.shape[1:], expected[node.name]) for node in outputs)
    )


def _is_one_of(shape: Shape, allowed: Sequence[Shape]) -> bool:
    return any(
        len(shape) == len(one) and all(b is None or a == b for a, b in zip(shape, one, strict=True))
        for one in allowed
    )
