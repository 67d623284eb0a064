"""The tables of studies and of the papers name what there is; every other page is of a study."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

from pneumoscope.lab.studies import studies

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parents[3] / "docs" / "studies"
README = FOLDER / "README.md"
COVERAGE = FOLDER / "coverage.md"


def test_every_study_that_is_named_exists_and_every_study_is_named():
    named = set(re.findall(r"`pneumoscope study ([\w-]+)`", README.read_text("utf-8")))
    assert named == set(studies())


def test_every_command_of_the_papers_rows_can_be_given():
    named = re.findall(
        r"pneumoscope study ([\w-]+)(?: --scale (\w+))?", COVERAGE.read_text("utf-8")
    )
    assert named
    for study, scale in named:
        assert (scale or "full") in studies()[study].scales, study


def test_every_committed_page_belongs_to_a_study():
    tables = {README, COVERAGE}
    pages = {page.stem.removesuffix("-reduced") for page in set(FOLDER.glob("*.md")) - tables}
    known = studies()
    assert pages <= set(known) | {f"{n}-{other}" for n in known for other in known[n].sets}


@pytest.mark.parametrize("page", [README, COVERAGE], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert links
    for link in links:
        assert (FOLDER / link).is_file(), link
