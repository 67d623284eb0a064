"""Impossible settings are refused in one line that names them."""

import pytest

from pneumoscope.errors import InputError

pytest.importorskip("torch")
pytest.importorskip("deap")

from pneumoscope.lab.tuning import SearchSettings, WarmUp

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("method", ["annealing", ""]),
        ("scaling", ["window"]),
        ("objective", ["loss"]),
        ("rate", [0.0, 1.0, -0.1, float("nan")]),
        ("population", [1, 0]),
        ("generations", [0]),
        ("evaluations", [0]),
        ("minutes", [0.0, float("inf"), float("nan")]),
        ("crossover", [-0.1, 1.1]),
        ("mutation", [-0.1, 1.1]),
        ("elite", [-1, 40]),
        ("batches", [0]),
        ("seed", [-1, 2**32]),
    ],
)
def test_an_impossible_value_is_named(name, values):
    for value in values:
        with pytest.raises(InputError, match=f"^{name}: ") as refused:
            SearchSettings(**{name: value})
        assert "\n" not in str(refused.value)


def test_a_warm_up_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(InputError, match="warm-up: 0 epochs"):
        WarmUp(epochs=0)
    with pytest.raises(InputError, match=r"split: .*its own split"):
        WarmUp(run=tmp_path, split=object())
