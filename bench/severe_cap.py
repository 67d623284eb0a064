"""Whether a hospital's recorded CURB-65 lies within our bounds.

    python bench/severe_cap.py zjyu.xlsx

The file is that of Yu 2022 (Dryad, https://doi.org/10.5061/dryad.cfxpnvx7r, CC0): 119 patients with
severe community-acquired pneumonia, with age in bands of ten years and without a column for
confusion, so that CURB-65 can only be bounded. Needs openpyxl.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import openpyxl

from pneumoscope.severity.scores import curb65

COLUMNS = {
    "respiratory_rate": "Respiratory rate ( bpm)",
    "systolic_pressure": "Systolic blood pressure(mmHg)",
    "diastolic_pressure": "Diastolic blood pressure(mmHg)",
    "urea": "Blood urea nitrogen (mmol/L)",
}
BAND_WITH_65 = 6  # 60 to 69 years


def patients(path: Path) -> Iterator[tuple[Mapping[str, float], int]]:
    """What is known of each patient, and the recorded score."""
    sheet = openpyxl.load_workbook(path, read_only=True)["Sheet1"]
    head, *rows = sheet.iter_rows(values_only=True)
    for row in rows:
        record = dict(zip(head, row, strict=True))
        known = {name: float(record[column]) for name, column in COLUMNS.items()}
        band = int(record["age"])
        if band != BAND_WITH_65:
            known["age"] = 10.0 * band
        yield known, int(record["CURB65"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    below = within = above = width = 0
    cases = list(patients(parser.parse_args().file))
    for known, recorded in cases:
        score = curb65(known)
        below += recorded < score.least
        above += recorded > score.most
        within += score.least <= recorded <= score.most
        width += score.most - score.least
    count = len(cases)
    print(f"{count} patients, bounds {width / count:.2f} points apart on average")
    print(f"recorded within our bounds: {within} ({within / count:.1%})")
    print(f"recorded below our least: {below}, above our most: {above}")


if __name__ == "__main__":
    main()
