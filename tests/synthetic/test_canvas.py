import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.synthetic.canvas import Canvas, spline

poses = st.builds(
    Canvas,
    size=st.sampled_from([128, 257]),
    angle=st.floats(-10, 10),
    zoom=st.floats(0.8, 1.2),
    shift=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
)


@given(poses)
def test_a_pose_keeps_shapes_and_scales_lengths(canvas: Canvas) -> None:
    points = np.array([(0.0, 0.5), (0.3, 0.5), (0.0, 0.1)])
    centre, right, up = canvas.to_pixels(points)
    scale = canvas.zoom * canvas.size
    assert np.hypot(*(right - centre)) == pytest.approx(0.3 * scale)
    assert np.hypot(*(up - centre)) == pytest.approx(0.4 * scale)
    assert np.dot(right - centre, up - centre) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(centre, (np.array(canvas.shift) + 0.5) * canvas.size - 0.5)


def test_a_spline_passes_through_its_ends_and_keeps_a_straight_line() -> None:
    curve = spline([(0, 0), (1, 2), (3, 6)], 31)
    np.testing.assert_allclose(curve[[0, -1]], [(0, 0), (3, 6)])
    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0], atol=1e-9)


def test_fill_covers_the_outlines_area_at_every_size() -> None:
    square = np.array([(-0.25, 0.25), (0.25, 0.25), (0.25, 0.75), (-0.25, 0.75)])
    for size in (128, 512):
        assert Canvas(size).fill(square).mean() / 255 == pytest.approx(0.25, abs=2.5 / size)


def test_rounded_is_zero_outside_grows_inwards_and_ends_at_one() -> None:
    canvas = Canvas(128)
    mask = canvas.fill(np.array([(-0.4, 0.1), (0.4, 0.1), (0.4, 0.9), (-0.4, 0.9)]))
    profile = canvas.rounded(mask, 0.2)
    assert (profile[mask < 128] == 0).all()
    row = profile[64, 13:64]
    assert (np.diff(row) >= 0).all()
    assert row[-1] == 1


@pytest.mark.parametrize("sigma", [0.004, 0.06])
def test_blur_keeps_the_mean_inside_and_spreads(sigma: float) -> None:
    plane = np.zeros((256, 256), np.float32)
    plane[120:136, 120:136] = 1
    blurred = Canvas(256).blur(plane, sigma)
    assert blurred.sum() == pytest.approx(plane.sum(), rel=0.02)
    x = np.arange(256) - 127.5
    spread = np.sqrt((blurred.sum(axis=0) * x**2).sum() / blurred.sum())
    assert spread == pytest.approx(np.hypot(sigma * 256, 16 / np.sqrt(12)), rel=0.06)
