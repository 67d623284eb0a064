"""The table of studies names what there is, and every committed page belongs to a study."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

from pneumoscope.lab.studies import studies

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parents[3] / "docs" / "studies"
README = FOLDER / "README.md"


def test_every_study_that_is_named_exists_and_every_study_is_named():
    named = set(re.findall(r"`pneumoscope study ([\w-]+)`", README.read_text("utf-8")))
    assert named == set(studies())


def test_every_committed_page_belongs_to_a_study():
    pages = {page.stem.removesuffix("-reduced") for page in FOLDER.glob("*.md")} - {README.stem}
    known = studies()
    assert pages <= set(known) | {f"{n}-{other}" for n in known for other in known[n].sets}


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))
    assert links
    for link in links:
        assert (FOLDER / link).is_file(), link
