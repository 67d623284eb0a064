"""Prediction to Decision: the one place where probabilities are calibrated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pneumoscope.decision.confidence import confidence
from pneumoscope.findings import Decision, OperatingPoint, Prediction


def calibrated(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Turn logits into probabilities by temperature scaling (Guo 2017).

    Parameters
    ----------
    logits : ndarray, shape (..., classes)
        Natural log scale.
    temperature : float
        Above 0; above 1 makes the answer less sure.

    Returns
    -------
    ndarray, shape (..., classes)
        Each row within 0..1 and summing to 1.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature} is not above 0")
    # Subtracted before the division, so that a small temperature cannot overflow.
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def decide(
    prediction: Prediction, *, temperature: float, operating_point: OperatingPoint | None = None
) -> Decision:
    """Calibrate a prediction and say what follows from it.

    Parameters
    ----------
    prediction : Prediction
        The network's answer.
    temperature : float
        The bundle's calibration.
    operating_point : OperatingPoint or None
        The bundle's threshold.

    Returns
    -------
    Decision
        `predicted` is the most probable class; the operating point does not change it.
    """
    values = calibrated(prediction.logits, temperature)
    probabilities = dict(zip(prediction.classes, values.tolist(), strict=True))
    return Decision(
        probabilities=probabilities,
        predicted=prediction.classes[int(values.argmax())],
        confidence=confidence(probabilities),
        operating_point=operating_point,
    )
