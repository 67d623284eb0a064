import numpy as np

from pneumoscope.synthetic.canvas import Canvas
from pneumoscope.synthetic.exposure import Exposure, expose, make_beam

SIZE = 128
EXPOSURE = Exposure(quanta=4e5, scatter=0.2, lung_grey=0.3, dense_grey=0.85)


def staircase() -> np.ndarray:
    return np.repeat(np.linspace(4, 24, 8, dtype=np.float32), SIZE // 8)[None].repeat(SIZE, 0)


def take(soft: np.ndarray, bone: float = 0.0, seed: int = 0, quanta: float = 4e5) -> np.ndarray:
    exposure = Exposure(quanta, EXPOSURE.scatter, EXPOSURE.lung_grey, EXPOSURE.dense_grey)
    lungs = soft < 8
    beam = make_beam(Canvas(SIZE), exposure, soft, np.full_like(soft, bone), lungs)
    return expose(beam, np.zeros_like(soft), np.random.default_rng(seed))


def test_more_tissue_is_brighter_and_the_anchors_are_met() -> None:
    soft = staircase()
    image = take(soft)
    steps = image.mean(axis=0).reshape(8, -1).mean(axis=1)
    assert (np.diff(steps) > 0).all()
    assert abs(np.median(image[soft < 8]) - EXPOSURE.lung_grey) < 0.05
    assert abs(steps[-1] - EXPOSURE.dense_grey) < 0.05


def test_fewer_quanta_are_noisier() -> None:
    soft = staircase()
    many = take(soft, seed=1, quanta=1e6) - take(soft, seed=2, quanta=1e6)
    few = take(soft, seed=1, quanta=1e4) - take(soft, seed=2, quanta=1e4)
    # Deviation goes with the root of the counts: ten times here, less where counts are floored.
    assert few.std() > 5 * many.std()


def test_added_water_never_darkens_a_pixel() -> None:
    soft = staircase()
    beam = make_beam(Canvas(SIZE), EXPOSURE, soft, np.zeros_like(soft), soft < 8)
    before = expose(beam, np.zeros_like(soft), np.random.default_rng(3))
    added = np.random.default_rng(4).uniform(0, 5, soft.shape).astype(np.float32)
    after = expose(beam, added, np.random.default_rng(3))
    assert (after > before).all()
