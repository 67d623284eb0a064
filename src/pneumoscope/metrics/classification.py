"""Weighted metrics that take one weight per image, or many sets of weights at once.

Every function accepts `weights` of shape (..., images) and answers with shape (...): one value per
set of weights, NaN where the metric is undefined under it. A bootstrap resample is a set of whole
weights, so a thousand resamples are one call without a loop over images. Without `weights` every
image counts once and the answer has shape ().
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]


def as_weights(weights: FloatArray | None, images: int) -> FloatArray:
    """Check the weights, or give every image the weight 1.

    Parameters
    ----------
    weights : ndarray of shape (..., images) or None
        0 or more.
    images : int
        How many images they must cover.

    Returns
    -------
    ndarray of float64, shape (..., images)

    Raises
    ------
    ValueError
        If the last axis does not have one weight per image.
    """
    if weights is None:
        return np.ones(images)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim == 0 or weights.shape[-1] != images:
        raise ValueError(f"weights of shape {weights.shape} for {images} images")
    return weights


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide counts elementwise, of shapes that fit; NaN where the denominator is 0."""
    quotient = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient


def accuracy(true: IntArray, predicted: IntArray, weights: FloatArray | None = None) -> FloatArray:
    """Share of the images whose predicted class is the true one.

    Parameters
    ----------
    true, predicted : ndarray of int, shape (images,)
        Class indices.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without images.
    """
    w = as_weights(weights, true.size)
    return ratio(w @ (true == predicted).astype(np.float64), w.sum(axis=-1))


def balanced_accuracy(
    true: IntArray, predicted: IntArray, weights: FloatArray | None = None
) -> FloatArray:
    """Mean recall over the classes that occur in `true` (not over all that the model knows).

    Parameters
    ----------
    true, predicted : ndarray of int, shape (images,)
        Class indices.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN where a class of `true` has no weight.
    """
    w = as_weights(weights, true.size)
    members = (true[:, None] == np.unique(true)).astype(np.float64)
    if members.shape[1] == 0:
        return np.full(w.shape[:-1], np.nan)
    hits = members * (true == predicted)[:, None]
    return np.asarray(ratio(w @ hits, w @ members).mean(axis=-1))


def auroc(scores: FloatArray, positive: BoolArray, weights: FloatArray | None = None) -> FloatArray:
    """Area under the receiver operating characteristic.

    It is the chance that a positive image scores higher than a negative one, a tie counting half
    (the Mann-Whitney statistic; Hanley and McNeil 1982).

    Parameters
    ----------
    scores : ndarray of float, shape (images,)
        Finite; higher means more positive.
    positive : ndarray of bool, shape (images,)
        The truth.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN where the positives or the negatives have no weight.

    Raises
    ------
    ValueError
        If a score is not finite.
    """
    w = as_weights(weights, scores.size)
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    if scores.size == 0:
        return np.full(w.shape[:-1], np.nan)
    order = np.argsort(scores, kind="stable")
    ranked, is_positive = scores[order], positive[order].astype(np.float64)
    ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    w = w[..., order]
    positives = np.add.reduceat(w * is_positive, ties, axis=-1)
    negatives = np.add.reduceat(w * (1 - is_positive), ties, axis=-1)
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
    return ratio((positives * below).sum(axis=-1), pairs)


def auroc_macro(
    probabilities: FloatArray, true: IntArray, weights: FloatArray | None = None
) -> FloatArray:
    """Mean one-vs-rest AUROC over the classes that occur in `true`.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Per class; scores of any monotone scale do.
    true : ndarray of int, shape (images,)
        Class indices, 0 to classes - 1.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN where a class of `true` has no weight, and throughout when `true` holds fewer than
        two classes, as then no class has both sides.
    """
    w = as_weights(weights, true.size)
    present = np.unique(true)
    if present.size < 2:
        return np.full(w.shape[:-1], np.nan)
    each = [auroc(probabilities[:, label], true == label, w) for label in present]
    return np.asarray(np.mean(each, axis=0))


def brier(
    probabilities: FloatArray, true: IntArray, weights: FloatArray | None = None
) -> FloatArray:
    """Multiclass Brier score (Brier 1950).

    Mean over the images of the sum over all classes of (probability - truth) squared. It runs from
    0 to 2; with two classes it is twice the score of the positive class alone.

    Parameters
    ----------
    probabilities : ndarray of float, shape (images, classes)
        Each row sums to 1.
    true : ndarray of int, shape (images,)
        Class indices, 0 to classes - 1.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0 (perfect) to 2; NaN without images.
    """
    w = as_weights(weights, true.size)
    truth = true[:, None] == np.arange(probabilities.shape[1])
    return ratio(w @ ((probabilities - truth) ** 2).sum(axis=1), w.sum(axis=-1))


def sensitivity(
    positive: BoolArray, called: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Share of the positive images that are called positive.

    Parameters
    ----------
    positive, called : ndarray of bool, shape (images,)
        The truth, and what the system says.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without positive images.
    """
    w = as_weights(weights, positive.size)
    return ratio(w @ (positive & called).astype(np.float64), w @ positive.astype(np.float64))


def specificity(
    positive: BoolArray, called: BoolArray, weights: FloatArray | None = None
) -> FloatArray:
    """Share of the negative images that are called negative.

    Parameters
    ----------
    positive, called : ndarray of bool, shape (images,)
        The truth, and what the system says.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without negative images.
    """
    return sensitivity(~positive, ~called, weights)


def f1(positive: BoolArray, called: BoolArray, weights: FloatArray | None = None) -> FloatArray:
    """Harmonic mean of precision and sensitivity, 2 TP / (2 TP + FP + FN).

    Parameters
    ----------
    positive, called : ndarray of bool, shape (images,)
        The truth, and what the system says.
    weights : ndarray of shape (..., images), optional
        See the module.

    Returns
    -------
    ndarray of float64, shape (...)
        0..1; NaN without positive images, as sensitivity is.
    """
    w = as_weights(weights, positive.size)
    hits = w @ (positive & called).astype(np.float64)
    positives = w @ positive.astype(np.float64)
    score = ratio(2 * hits, positives + w @ called.astype(np.float64))
    return np.where(positives > 0, score, np.nan)
