"""Which slices of COVID-CT are kept together: by a rule, and for a reason that pictures show."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("torch")

from pneumoscope.evaluation import read_manifest
from pneumoscope.lab.studies.experiment import recipe_contents

pytestmark = [pytest.mark.lab, pytest.mark.shared]

BUNDLE_RECIPE = Path(__file__).parents[3] / "recipes" / "covid-ct.yaml"


@pytest.fixture(scope="module")
def others(shared_data):
    """The slices of NON_COVID by their paper, which is each one's own file name."""
    manifest = read_manifest(shared_data / "covid-ct", patient_column="paper_id")
    return {image.patient_id: image for image in manifest.images if image.label == "NON_COVID"}


def _by_rule(papers):
    """Panels N_M of one number N; runs of numbers from 100 on that are at most two apart."""
    figures, numbers = {}, {}
    for paper in papers:
        number, panel = re.fullmatch(r"(\d+)(?:_(\d+))?\.\w+", paper).groups()
        if panel:
            figures.setdefault(int(number), []).append(paper)
        elif int(number) >= 100:
            numbers[int(number)] = paper
    runs = [[]]
    for number in sorted(numbers):
        if runs[-1] and number - runs[-1][-1] > 2:
            runs.append([])
        runs[-1].append(number)
    groups = [*figures.values(), *([numbers[n] for n in run] for run in runs)]
    return {frozenset(group) for group in groups if len(group) > 1}


def test_the_recipes_name_the_groups_of_the_rule(others):
    groups = _by_rule(others)
    study = recipe_contents("zeng2020-covid-ct")["sources"][0]["same_patient"]
    assert {frozenset(group) for group in study} == groups
    bundle = yaml.safe_load(BUNDLE_RECIPE.read_text())
    (trained,), (beside,) = bundle["sources"], bundle["also_measured"]
    for source in (trained, beside):
        listed = source["subset"]["official_split"]
        expected = {
            group
            for group in groups
            if any(others[p].extra["official_split"] == listed for p in group)
        }
        assert {frozenset(group) for group in source["same_patient"]} == expected


def test_the_official_lists_part_no_group(others):
    for group in _by_rule(others):
        assert len({others[paper].extra["official_split"] for paper in group}) == 1, group


def _thumbnail(image):
    grey = cv2.resize(cv2.imread(str(image.path), cv2.IMREAD_GRAYSCALE), (48, 48)).astype(float)
    return ((grey - grey.mean()) / grey.std()).ravel()


def test_neighbours_look_alike_as_slices_of_one_patient_do(others):
    number = {paper: int(paper.partition(".")[0]) for paper in others if "_" not in paper}
    late = sorted((n, _thumbnail(others[paper])) for paper, n in number.items() if n >= 100)
    alike = [float(a[1] @ b[1]) / 48**2 for a, b in pairwise(late) if b[0] - a[0] <= 2]
    strangers = [float(a[1] @ b[1]) / 48**2 for a, b in combinations(late, 2) if b[0] - a[0] > 20]
    assert np.median(alike) > np.quantile(strangers, 0.95)
