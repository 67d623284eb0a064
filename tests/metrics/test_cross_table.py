"""Cross tables: no image is lost, and the same shares on few images are chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.metrics import CrossTable, cross_table

rows = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("AB")), min_size=2, max_size=60)


@given(rows)
def test_a_cross_table_loses_no_image_and_stays_in_range(pairs):
    table: CrossTable = cross_table(*map(list, zip(*pairs, strict=True)))
    counted = {(v, k): n for v, row in table.counts.items() for k, n in row.items() if n}
    assert counted == {pair: pairs.count(pair) for pair in set(pairs)}
    if table.cramers_v is not None:
        assert 0 <= table.cramers_v <= 1
    if table.strongest is not None:
        best = table.strongest
        assert best.share_of_label >= best.share_of_others


def test_the_same_shares_on_few_images_are_chance():
    few, many = (cross_table(["x", "y"] * n, ["A", "B"] * n) for n in (2, 30))
    assert (few.tells_label, many.tells_label) == (False, True)
    assert many.cramers_v == pytest.approx(1, abs=0.02)
