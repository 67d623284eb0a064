"""Prediction to Decision: the one place where probabilities are calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pneumoscope.decision.choose import choose_age_group, choose_profile
from pneumoscope.decision.confidence import confidence
from pneumoscope.findings import AgeGroup, Decision, Prediction, Profile


def calibrated(
    logits: NDArray[np.float64],
    temperature: float,
    biases: NDArray[np.float64] | None = None,
    taught: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Turn logits into probabilities: softmax of logit / temperature + bias (Guo 2017).

    Parameters
    ----------
    logits : ndarray, shape (..., classes)
        Natural log scale.
    temperature : float
        Above 0; above 1 makes the answer less sure.
    biases : ndarray, shape (classes,), optional
        Added after the division; by default 0.
    taught : ndarray of bool, shape (classes,), optional
        The classes that the softmax is over, at least one; by default all.

    Returns
    -------
    ndarray, shape (..., classes)
        Each row within 0..1 and summing to 1; 0 for the classes that are not taught.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature} is not above 0")
    known = np.ones(logits.shape[-1], np.bool_) if taught is None else taught
    kept = logits[..., known]
    # Subtracted before the division, so that a small temperature cannot overflow.
    scores = (kept - kept.max(axis=-1, keepdims=True)) / temperature
    if biases is not None:
        scores = scores + biases[known]
        scores = scores - scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores)
    probabilities = np.zeros_like(logits, dtype=np.float64)
    probabilities[..., known] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def decide(
    prediction: Prediction,
    *,
    age_groups: Sequence[AgeGroup],
    profiles: Sequence[Profile],
    age: float | None = None,
    view: str = "",
) -> Decision:
    """Calibrate a prediction and say what follows from it.

    Parameters
    ----------
    prediction : Prediction
        The network's answer.
    age_groups, profiles : sequence of AgeGroup, of Profile
        The bundle's.
    age : float or None
        The patient's, in years; where it is not known, the age group is chosen by the image.
    view : str
        "AP" or "PA"; anything else is an unknown view.

    Returns
    -------
    Decision
        `predicted` is the most probable class; the operating points do not change it. Where the
        image tells the age group, the probabilities are those of all groups, each weighed by how
        probable the group is, so that an image between two groups does not jump from the answer
        of one to that of the other; thresholds are those of the most probable group.
    """
    group = choose_age_group(age_groups, age, prediction.age_group_logits)
    profile = choose_profile(profiles, group.name, view)
    names = [each.name for each in age_groups]
    if group.chosen_by == "image" and prediction.age_group_logits is not None:
        weights = calibrated(prediction.age_group_logits, 1.0)
    else:
        weights = np.array([float(name == group.name) for name in names])
    values = np.zeros(len(prediction.classes))
    for head, (name, weight) in enumerate(zip(names, weights.tolist(), strict=True)):
        if weight > 0:
            of_group = choose_profile(profiles, name, view)
            values += weight * _of_profile(prediction, head, of_group)
    probabilities = dict(zip(prediction.classes, values.tolist(), strict=True))
    predicted = prediction.classes[int(values.argmax())]
    return Decision(
        probabilities=probabilities,
        predicted=predicted,
        confidence=confidence(probabilities),
        age_group=group,
        view=profile.view,
        operating_points=profile.operating_points,
        prediction_set=_prediction_set(probabilities, predicted, profile),
        coverage=profile.coverage,
    )


def _of_profile(prediction: Prediction, head: int, profile: Profile) -> NDArray[np.float64]:
    """Probabilities (classes,) of one age group's head."""
    return calibrated(
        prediction.logits[head],
        profile.temperature,
        np.array([profile.biases.get(name, 0.0) for name in prediction.classes]),
        np.array([name in profile.classes for name in prediction.classes]),
    )


def _prediction_set(
    probabilities: dict[str, float], predicted: str, profile: Profile
) -> tuple[str, ...]:
    """Keep the classes that reach the least probability, and always the predicted one."""
    if profile.min_probability is None:
        return ()
    others = sorted(
        (name for name in probabilities if name != predicted and probabilities[name] > 0),
        key=lambda name: (-probabilities[name], name),
    )
    return (predicted, *(n for n in others if probabilities[n] >= profile.min_probability))
