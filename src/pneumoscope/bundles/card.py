"""What other rooms need of a model card: its rates at the operating point."""

from __future__ import annotations

HEADING = "## At the operating point"
_MOST_ROWS, _MOST_COLUMNS, _LONGEST_CELL = 50, 8, 200


def operating_rates(card: str) -> tuple[tuple[str, ...], ...]:
    """Find the table under the card's heading of the operating point.

    Parameters
    ----------
    card : str
        Markdown, as `lab` writes it or as anyone else does: nothing in it is trusted.

    Returns
    -------
    tuple of tuple of str
        The header, then a row per population; foreign text, to be escaped where it is shown.
        Empty where there is no such table, or one that is ragged or too large to be one: half a
        table could mislead.
    """
    rows = [_cells(line) for line in _table_lines(card)]
    if len(rows) < 3 or not all(set(cell) <= set(":- ") and cell for cell in rows[1]):
        return ()
    table = (rows[0], *rows[2:])
    alike = {len(row) for row in table} == {len(rows[1])}
    small = len(table) <= _MOST_ROWS and len(rows[1]) <= _MOST_COLUMNS
    short = all(len(cell) <= _LONGEST_CELL for row in table for cell in row)
    return table if alike and small and short else ()


def _table_lines(card: str) -> list[str]:
    """Give the lines of the first table between the heading and the next one."""
    lines = iter(card.split("\n"))
    for line in lines:
        if line.strip() == HEADING:
            break
    found: list[str] = []
    for line in lines:
        if line.startswith("|"):
            found.append(line)
        elif found or line.startswith("#"):
            break
    return found


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
