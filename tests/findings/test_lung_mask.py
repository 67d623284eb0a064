from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pneumoscope.findings import LungMask

GOOD: dict[str, Any] = {
    "mask": np.zeros((4, 6), np.bool_),
    "right_area": 0.1,
    "left_area": 0.0,
    "right_certainty": 1.0,
    "left_certainty": 0.5,
    "lungs_found": 1,
}


def test_what_is_given_is_kept():
    lungs = LungMask(**GOOD)
    assert {name: getattr(lungs, name) for name in GOOD} == GOOD


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"mask": np.zeros((4, 6), np.uint8)}, TypeError),
        ({"mask": np.zeros((2, 4, 6), np.bool_)}, TypeError),
        ({"right_area": 1.1}, ValueError),
        ({"left_area": -0.1}, ValueError),
        ({"right_certainty": float("nan")}, ValueError),
        ({"left_certainty": 2.0}, ValueError),
        ({"lungs_found": 3}, ValueError),
    ],
)
def test_what_no_chest_can_have_is_refused(wrong, error):
    with pytest.raises(error):
        LungMask(**GOOD | wrong)
