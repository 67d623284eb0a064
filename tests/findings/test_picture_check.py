"""A picture check names its codes in order, and takes no score that is none."""

from __future__ import annotations

import pytest

from pneumoscope.findings import About, Message, PictureCheck


def test_the_codes_are_those_of_the_refusals_in_their_order() -> None:
    refusals = tuple(Message(code, About.IMAGE) for code in ("rotated", "inverted"))
    assert PictureCheck(refusals).codes == ("rotated", "inverted")
    assert PictureCheck().codes == ()


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_outside_its_range_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="cropped"):
        PictureCheck(scores={"cropped": score})
