"""When an evidence map is outlined: by the interval, in every view, in both measures."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.lab.training.evidence_map import outlining
from pneumoscope.metrics import MapFit, MeasuredImage, measure_saliency

pytestmark = pytest.mark.lab

GROUPS = ("children", "adults")


def summary(auprc, pointing, mass=0.0, images=40):
    """Heatmaps that are better than the fixed map by this much, on every image nearly."""
    rng = np.random.default_rng(1)
    measured = []
    for index, noise in enumerate(rng.normal(0, 0.01, images)):
        fixed = MapFit(0.4, 0.4, 0.4, 0.4)
        heat = MapFit(0.4 + auprc + noise, 0.4 + mass + noise, 0.4, 0.4 + pointing + noise)
        measured.append(
            MeasuredImage(str(index), 0.1, empty=False, answered=True, heatmap=heat, fixed=fixed)
        )
    return measure_saliency(measured, resamples=200)


def test_a_group_is_outlined_where_every_view_is_better_in_both():
    found = outlining(GROUPS, {"adults": {"AP": summary(0.1, 0.1), "PA": summary(0.2, 0.1)}})
    assert found.allowed == ("adults",)
    assert set(found.why_not) == {"children"}
    assert "no radiologists' boxes on images of children" in found.why_not["children"]


@pytest.mark.parametrize(
    ("worse", "named"),
    [
        ({"AP": summary(0.1, 0.0)}, "the AP view"),
        ({"PA": summary(0.0, 0.1)}, "the PA view"),
        ({"AP": summary(-0.1, 0.1), "PA": summary(0.1, -0.1)}, "the AP view and the PA view"),
        ({"": summary(0.0, 0.0)}, "some images"),
    ],
)
def test_one_measure_in_one_view_is_enough_against_it(worse, named):
    views = {"AP": summary(0.1, 0.1), "PA": summary(0.1, 0.1)} | worse
    found = outlining(GROUPS, {"children": {"": summary(0.1, 0.1)}, "adults": views})
    assert found.allowed == ("children",)
    assert f"on images of adults, {named}, it is not shown" in found.why_not["adults"]


def test_the_other_measures_decide_nothing():
    found = outlining(("adults",), {"adults": {"AP": summary(0.1, 0.1, mass=-0.3)}})
    assert found.allowed == ("adults",)


def test_a_single_patient_proves_nothing():
    found = outlining(("adults",), {"adults": {"AP": summary(0.3, 0.3, images=1)}})
    assert found.allowed == ()
