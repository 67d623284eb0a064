"""The operating point against a plain search over every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.errors import DataError
from pneumoscope.metrics import threshold_for_sensitivity, threshold_for_specificity

scored = st.lists(
    st.tuples(st.integers(0, 20).map(lambda i: i / 20), st.booleans()), min_size=1, max_size=40
).filter(lambda rows: any(positive for _, positive in rows))


@given(scored, st.integers(1, 100).map(lambda i: i / 100))
def test_it_is_the_highest_threshold_that_finds_enough(rows, wanted):
    probability, positive = np.array([p for p, _ in rows]), np.array([t for _, t in rows])
    found = threshold_for_sensitivity(probability, positive, wanted)
    enough = [
        t for t in np.unique(probability) if (probability[positive] >= t).mean() >= wanted - 1e-15
    ]
    assert found == max(enough)


@given(scored, st.integers(1, 100).map(lambda i: i / 100))
def test_it_is_the_lowest_threshold_that_spares_enough(rows, wanted):
    # Positive here, negative there: the mirrored rows have a negative image.
    probability, negative = np.array([p for p, _ in rows]), np.array([t for _, t in rows])
    found = threshold_for_specificity(probability, ~negative, wanted)
    spared = (probability[negative] < found).mean()
    just_below = (probability[negative] < np.nextafter(found, 0)).mean()
    assert just_below < wanted
    if found < 1:
        assert spared >= wanted - 1e-15


def test_no_threshold_spares_negatives_of_probability_one():
    probability = np.array([1.0, 1.0, 0.2, 1.0])
    assert threshold_for_specificity(probability, np.array([False, False, False, True]), 0.9) == 1


def test_a_share_that_rounds_badly_is_not_overshot():
    # 0.07 * 100 is 7.000000000000001: seven images are enough, not eight.
    probability = np.linspace(0, 1, 100)
    found = threshold_for_sensitivity(probability, np.ones(100, dtype=bool), 0.07)
    assert (probability >= found).sum() == 7


def test_no_positive_image_is_a_data_error():
    with pytest.raises(DataError, match="no positive image"):
        threshold_for_sensitivity(np.array([0.2]), np.array([False]), 0.9)
    with pytest.raises(DataError, match="no negative image"):
        threshold_for_specificity(np.array([0.2]), np.array([True]), 0.9)


@pytest.mark.parametrize("wanted", [0.0, -0.1, 1.01, float("nan")])
def test_an_impossible_sensitivity_is_refused(wanted):
    with pytest.raises(ValueError, match="outside"):
        threshold_for_sensitivity(np.array([0.2]), np.array([True]), wanted)
    with pytest.raises(ValueError, match="outside"):
        threshold_for_specificity(np.array([0.2]), np.array([False]), wanted)
