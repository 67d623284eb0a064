"""What is measured of two classes, where it is defined, and what the splits leak."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from pneumoscope.errors import DataError
from pneumoscope.lab.studies.answers import Result
from pneumoscope.lab.studies.binary_metrics import METRICS, told_leaks, two_class_metrics

pytestmark = pytest.mark.lab

POSITIVE = np.array([0.1, 0.2, 0.6, 0.9, 0.4])
RESULT = Result(
    classes=("NORMAL", "PNEUMONIA"),
    epochs=(),
    files=tuple("abcde"),
    patients=tuple("abcde"),
    labels=("NORMAL", "NORMAL", "NORMAL", "PNEUMONIA", "PNEUMONIA"),
    probabilities=np.stack([1 - POSITIVE, POSITIVE], axis=1),
    certificate="",
    leaks=(),
)


def test_each_metric_is_that_of_answering_pneumonia():
    expected = (3 / 5, (1 / 2 + 2 / 3) / 2, 1 / 2, 2 / 3, 5 / 6)
    assert two_class_metrics(RESULT) == pytest.approx(dict(zip(METRICS, expected, strict=True)))


def test_what_is_undefined_is_no_zero():
    alone = replace(RESULT, labels=("PNEUMONIA",) * 5)
    with pytest.raises(DataError, match="one class"):
        two_class_metrics(alone)


def test_a_single_leaky_split_is_not_hidden_by_honest_ones():
    leaky = replace(RESULT, leaks=("3 patients cross",))
    assert told_leaks([RESULT, RESULT]) == "none"
    assert told_leaks([RESULT, leaky]) == "1 of 2 splits leak, the first of them: 3 patients cross"
