"""Tests of two models on the same images, for images that may share a patient.

All are of "a minus b", so that a statistic above 0 speaks for a. Where every patient has one image
they are the classic tests; otherwise the clustered forms, whose unit is the patient: with images
for units, images that resemble each other count as independent and the p-values come out too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, ndtr, stdtr

from pneumoscope.metrics.bootstrap import patient_weights
from pneumoscope.metrics.classification import BoolArray, FloatArray, IntArray

# A sum of squares that cancels to less than this share of its terms is a rounding error.
_CANCELLED = 1e-12


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One test of the null hypothesis that the models do equally well.

    Attributes
    ----------
    method : str
        Which form was used, with its source.
    clustered : bool
        Whether patients with several images were taken into account.
    statistic : float or None
        Standard normal under the null hypothesis; above 0 where a is better. None for an exact
        test, and where the test is undefined.
    p_value : float or None
        Two-sided, 0..1; None where the test is undefined.
    """

    method: str
    clustered: bool
    statistic: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class DiscordantTest(PairedTest):
    """McNemar's test, with the images that it rests on.

    Attributes
    ----------
    only_a, only_b : int
        Images that only a, and that only b, gets right.
    """

    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class ResampledTTest:
    """The paired t-test over resamples of Baral 2025, kept as published.

    Attributes
    ----------
    resamples : int
        How many times the test predictions were drawn; 5 as published.
    mean_difference : float
        Mean over the resamples of the accuracy of a minus that of b.
    statistic, p_value : float or None
        Of Student's t with resamples - 1 degrees of freedom, two-sided; None where the difference
        is the same in every resample.
    """

    resamples: int
    mean_difference: float
    statistic: float | None
    p_value: float | None


def delong(
    scores_a: FloatArray, scores_b: FloatArray, positive: BoolArray, patients: Sequence[str]
) -> PairedTest | None:
    """Compare the areas under two receiver operating characteristics of the same images.

    DeLong et al. (1988, Biometrics 44:837), the structural components from sorted scores rather
    than from all pairs (as Sun and Xu 2014, IEEE Signal Processing Letters 21:1389); with several
    images per patient Obuchowski's clustered form (1997, Biometrics 53:567), which is the same
    where every patient has one. It is a large-sample test.

    Parameters
    ----------
    scores_a, scores_b : ndarray of float, shape (images,)
        Finite; higher means more positive. Only their order counts.
    positive : ndarray of bool, shape (images,)
        The truth.
    patients : sequence of str
        The patient of each image.

    Returns
    -------
    PairedTest or None
        None where only one class occurs. Undefined (statistic and p-value None) with fewer than
        two patients of either class, or where the difference varies between no two patients but is
        not 0; models that rank every pair alike have statistic 0 and p-value 1.
    """
    if positive.all() or not positive.any():
        return None
    owner, clusters, clustered = _owners(patients)
    # Differences of the structural components are differences of counts, exact in floating point.
    beats_a, beats_b = _pairs_won(scores_a, positive), _pairs_won(scores_b, positive)
    won = beats_a - beats_b
    sums = [
        np.bincount(owner[side], won[side], clusters)
        - np.bincount(owner[side], minlength=clusters) * won[side].mean()
        for side in (positive, ~positive)
    ]
    occur = [np.unique(owner[side]).size for side in (positive, ~positive)]
    pairs = float(positive.sum()) * float((~positive).sum())
    difference = won[positive].sum() / pairs
    method = "Obuchowski 1997" if clustered else "DeLong 1988"
    if min(occur) < 2:
        return PairedTest(method, clustered, None, None)
    squares = [n / (n - 1) * (part @ part) for n, part in zip(occur, sums, strict=True)]
    crossed = 2 * clusters / (clusters - 1) * (sums[0] @ sums[1])
    variance = (sum(squares) + crossed) / pairs**2
    if variance <= _CANCELLED * sum(squares) / pairs**2:
        return PairedTest(method, clustered, *_without_variance(difference))
    statistic = float(difference / np.sqrt(variance))
    return PairedTest(method, clustered, statistic, _two_sided(statistic))


def mcnemar(
    right_a: BoolArray, right_b: BoolArray, patients: Sequence[str]
) -> DiscordantTest | None:
    """Compare two models' shares of right answers on the same images.

    McNemar's exact test (1947, Psychometrika 12:153): a sign test of the images that only one model
    gets right. With several images per patient Obuchowski's clustered form (1998, Statistics in
    Medicine 17:1495), a large-sample test; of the clustered forms it is the one that compares the
    share of right images, and not a mean over patients.

    Parameters
    ----------
    right_a, right_b : ndarray of bool, shape (images,)
        Whether each model's answer is the true one.
    patients : sequence of str
        The patient of each image.

    Returns
    -------
    DiscordantTest or None
        None without images. Undefined (p-value None) where all images are of one patient; without
        images that only one model gets right the p-value is 1.
    """
    if right_a.size == 0:
        return None
    owner, clusters, clustered = _owners(patients)
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if not clustered:
        # Twice the smaller tail of a fair coin; the tails meet where the counts are equal.
        p_value = min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
        return DiscordantTest("McNemar 1947, exact", False, None, p_value, only_a, only_b)
    method = "Obuchowski 1998"
    excess = np.bincount(owner, right_a.astype(np.float64) - right_b, clusters)
    if clusters < 2:
        return DiscordantTest(method, True, None, None, only_a, only_b)
    # Under the null hypothesis the expected excess of every patient is 0: no mean is taken away.
    variance = clusters / (clusters - 1) * (excess @ excess)
    statistic = 0.0 if variance == 0 else float(excess.sum() / np.sqrt(variance))
    return DiscordantTest(method, True, statistic, _two_sided(statistic), only_a, only_b)


def resampled_t_test(
    right_a: BoolArray, right_b: BoolArray, resamples: int = 5, seed: int = 42
) -> ResampledTTest | None:
    """Repeat the published comparison: a paired t-test over resamples of the test predictions.

    It is no test between models, and kept only to be set beside the others: the resamples are not
    new data, so more of them lower the p-value as far as one likes (Baral 2025, "five bootstrap
    samples"). Images are drawn as published, whoever their patient is.

    Parameters
    ----------
    right_a, right_b : ndarray of bool, shape (images,)
        Whether each model's answer is the true one.
    resamples : int
        How many times to draw, 2 or more.
    seed : int
        Of the draws.

    Returns
    -------
    ResampledTTest or None
        None without images.

    Raises
    ------
    ValueError
        With fewer than two resamples.
    """
    if right_a.size == 0:
        return None
    excess = (right_a.astype(np.float64) - right_b) / right_a.size
    (test,) = resampled_t_tests(
        lambda weights: (weights @ excess)[:, np.newaxis], right_a.size, resamples, seed
    )
    return test


def resampled_t_tests(
    difference: Callable[[FloatArray], FloatArray], images: int, resamples: int = 5, seed: int = 42
) -> list[ResampledTTest]:
    """Repeat the published comparison for several figures on the same resamples.

    See `resampled_t_test`.

    Parameters
    ----------
    difference : callable
        Takes weights of the images, shape (sets, images), and gives the figures of a minus those
        of b, shape (sets, figures).
    images : int
        How many there are, 1 or more.
    resamples, seed : int
        See `resampled_t_test`.

    Returns
    -------
    list of ResampledTTest
        One for each figure.

    Raises
    ------
    ValueError
        With fewer than two resamples.
    """
    if resamples < 2:
        raise ValueError(f"{resamples} resamples: a t-test needs two or more")
    names = [str(index) for index in range(images)]
    drawn = np.concatenate([difference(w) for w in patient_weights(names, resamples, seed)])
    return [_t_test(figure) for figure in drawn.T]


def _t_test(drawn: FloatArray) -> ResampledTTest:
    """Student's t of differences, shape (resamples,), against a mean of 0."""
    resamples = drawn.size
    mean, spread = float(drawn.mean()), float(drawn.std(ddof=1))
    if np.isnan(mean):
        return ResampledTTest(resamples, mean, None, None)
    if spread <= _CANCELLED:  # shares of right images differ by 1 / images or more
        return ResampledTTest(resamples, mean, None, None)
    statistic = mean / (spread / np.sqrt(resamples))
    p_value = 2 * float(stdtr(resamples - 1, -abs(statistic)))
    return ResampledTTest(resamples, mean, float(statistic), p_value)


def _owners(patients: Sequence[str]) -> tuple[IntArray, int, bool]:
    """Index of each image's patient, the number of patients, and whether any has several images."""
    unique, owner = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    return owner, unique.size, unique.size < owner.size


def _pairs_won(scores: FloatArray, positive: BoolArray) -> FloatArray:
    """Pairs with the other class in which each image stands on the right side; a tie is a half."""
    won = np.empty(scores.size)
    for side, others in ((positive, ~positive), (~positive, positive)):
        ranked = np.sort(scores[others])
        below = np.searchsorted(ranked, scores[side], "left")
        not_above = np.searchsorted(ranked, scores[side], "right")
        won[side] = (below + not_above) / 2
    won[~positive] = positive.sum() - won[~positive]
    return won


def _two_sided(statistic: float) -> float:
    return min(1.0, 2 * float(ndtr(-abs(statistic))))


def _without_variance(difference: float) -> tuple[float | None, float | None]:
    return (0.0, 1.0) if difference == 0 else (None, None)
