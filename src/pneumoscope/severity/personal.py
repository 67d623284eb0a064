"""Symptoms on a patient's own scale (Baral 2025, 3.4): the same rules, seen from what is usual."""

from __future__ import annotations

from collections.abc import Mapping

from pneumoscope.findings import Bounds
from pneumoscope.severity.symptoms import SYMPTOMS


def personal_theta(symptoms: Mapping[str, float], bounds: Bounds) -> dict[str, float]:
    """Say where values lie in the patient's own ranges.

    Parameters
    ----------
    symptoms : mapping of str to float
        In the units of `SYMPTOMS`, checked.
    bounds : Bounds
        The patient's own ranges, in the same units.

    Returns
    -------
    dict of str to float
        theta' = (value - low) / (high - low), kept within 0..1, for each symptom that has a range.
    """
    theta = {}
    for name, value in symptoms.items():
        if name in bounds.ranges:
            low, high = bounds.ranges[name]
            theta[name] = min(max((value - low) / (high - low), 0.0), 1.0)
    return theta


def rescale(symptoms: Mapping[str, float], bounds: Bounds) -> dict[str, float]:
    """Give the values that lie in the population's ranges where these lie in the patient's own.

    A rule base that scores the answer judges the patient by the personal ranges, whatever scale it
    has of its own. How the published bounds enter theta is not stated (Baral 2025, 3.4); this reads
    them as the new ends of the input. Never give the answer's level alone: it must not come below
    the population's.

    Parameters
    ----------
    symptoms : mapping of str to float
        In the units of `SYMPTOMS`, checked.
    bounds : Bounds
        The patient's own ranges, in the same units.

    Returns
    -------
    dict of str to float
        In the units and within the ranges of `SYMPTOMS`, in the order given. A symptom without a
        range of its own keeps its value.
    """
    theta = personal_theta(symptoms, bounds)
    values = dict(symptoms)
    for name, share in theta.items():
        symptom = SYMPTOMS[name]
        value = symptom.minimum + share * (symptom.maximum - symptom.minimum)
        values[name] = min(value, symptom.maximum)
    return values
