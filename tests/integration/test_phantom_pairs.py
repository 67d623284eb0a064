"""The packaged bundle on synthetic chests: an added opacity must speak for pneumonia."""

from pneumoscope.bundles import find_bundle
from pneumoscope.findings import Radiograph
from pneumoscope.synthetic import draw_phantom
from pneumoscope.workflow import Reader

PAIRS = 50


def test_an_opacity_raises_the_probability_of_pneumonia_on_most_pairs() -> None:
    reader = Reader(find_bundle())

    def probability(seed: int, *, opacity: bool) -> float:
        view = "PA" if seed % 2 else "AP"
        phantom = draw_phantom(seed, size=512, opacity=opacity, view=view)
        radiograph = Radiograph(phantom.pixels, "phantom", "PNG")
        return reader.score(radiograph).probabilities["PNEUMONIA"]

    raised = sum(
        probability(seed, opacity=True) > probability(seed, opacity=False) for seed in range(PAIRS)
    )
    # By chance alone 32 or more of 50 has a probability of 0.03.
    assert raised >= 32
