"""How sure the network is, in the terms of Baral 2025, 3.3.5.

The publication calls ``C = p_top1 * margin * (1 - entropy)`` a "calibrated confidence". It is no
probability (0.90 / 0.05 / 0.05 gives 0.49), so it is called `certainty_index` here and stands
beside the calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from pneumoscope.findings import Confidence

CLINICAL_RELEVANCE: Mapping[str, float] = {"NORMAL": 0.25, "ABNORMAL": 0.50, "PNEUMONIA": 0.75}


class ContributionReading(StrEnum):
    """The image's share in the severity; the published equation is lost, so three are kept.

    With r the clinical relevance of the predicted class, p its probability and C the certainty
    index: the text describes ``r * C``, the authors' code uses ``CWSS = r * p``, and the product
    ``CWSS * C`` is a third reading.
    """

    RELEVANCE_TIMES_CERTAINTY = "r*C"
    CWSS = "r*p"
    CWSS_TIMES_CERTAINTY = "r*p*C"


def confidence(
    probabilities: Mapping[str, float],
    reading: ContributionReading = ContributionReading.RELEVANCE_TIMES_CERTAINTY,
) -> Confidence:
    """Summarise how sure a probability vector is.

    Parameters
    ----------
    probabilities : mapping of str to float
        At least two classes, each 0..1, summing to 1.
    reading : ContributionReading
        Which reading of the contribution factor.

    Returns
    -------
    Confidence
        A class without a published relevance contributes 0.

    Raises
    ------
    ValueError
        Fewer than two classes.
    """
    if len(probabilities) < 2:
        raise ValueError("confidence needs at least two classes")
    predicted = max(probabilities, key=lambda name: probabilities[name])
    ranked = sorted(probabilities.values(), reverse=True)
    values = np.array(ranked)
    positive = values[values > 0]
    entropy = float(-(positive * np.log(positive)).sum() / np.log(len(values)))
    entropy = min(max(entropy, 0.0), 1.0)
    top1, margin = ranked[0], ranked[0] - ranked[1]
    certainty = top1 * margin * (1 - entropy)
    relevance = CLINICAL_RELEVANCE.get(predicted, 0.0)
    contribution = {
        ContributionReading.RELEVANCE_TIMES_CERTAINTY: relevance * certainty,
        ContributionReading.CWSS: relevance * top1,
        ContributionReading.CWSS_TIMES_CERTAINTY: relevance * top1 * certainty,
    }[reading]
    return Confidence(top1, margin, entropy, certainty, contribution)
