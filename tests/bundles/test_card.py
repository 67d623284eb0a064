"""The rates of a card: found where they are whole, nothing where they are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.bundles import find_bundle
from pneumoscope.bundles.card import HEADING, operating_rates

CELL = st.text(st.characters(codec="utf-8", exclude_characters="|\n\r"), max_size=40).map(str.strip)


def card(*lines: str) -> str:
    return "\n".join(["# Card", "| a | b |", "| --- | --- |", "| other | 1 |", HEADING, *lines])


@pytest.mark.parametrize("name", ["chest", "covid-ct"])
def test_the_rates_of_the_packaged_cards_are_found(name: str) -> None:
    bundle = find_bundle(name)
    header, *rows = bundle.identity.operating_rates
    assert header == ("population", "sensitivity", "specificity")
    assert len(rows) >= len(bundle.description.training_sets)
    for row in rows:
        assert "| " + " | ".join(row) + " |" in bundle.card
    for part in bundle.description.training_sets:
        assert any(part.population in row[0] for row in rows)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=2, max_size=20))
def test_every_whole_table_is_found_as_it_stands(rows: list[tuple[str, str, str]]) -> None:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    after = ["", "## Next", "| x | y |", "| --- | --- |", "| 1 | 2 |"]
    found = operating_rates(
        card("", "In words.", "", lines[0], "| - | --- | :-: |", *lines[1:], *after)
    )
    if all(all(row) for row in rows):
        assert found == tuple(rows)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no table"],
        ["| a | b |", "| --- | --- |"],
        ["| a | b |", "| 1 | 2 |", "| 3 | 4 |"],
        ["| a | b |", "| --- | --- |", "| 1 |"],
        ["| a | b |", "| --- | --- |", "| 1 | 2 | 3 |"],
        ["## Next", "| a | b |", "| --- | --- |", "| 1 | 2 |"],
        ["| a | b |", "| --- | --- |", *["| 1 | 2 |"] * 60],
        ["| a | b |", "| --- | --- |", f"| 1 | {'x' * 201} |"],
        ["| a " * 9 + "|", "| - " * 9 + "|", "| 1 " * 9 + "|"],
    ],
)
def test_what_is_no_whole_table_is_not_shown(lines: list[str]) -> None:
    assert operating_rates(card(*lines)) == ()


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert operating_rates(text) == ()
    operating_rates(card(text))
