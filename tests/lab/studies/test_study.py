"""Which studies there are, and how one is run."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.errors import InputError
from pneumoscope.lab.studies import run_study, studies

pytestmark = pytest.mark.lab


def test_a_new_study_is_one_new_file(made_up_study):
    found = studies()
    assert made_up_study.name in found
    assert list(found) == sorted(found)
    assert {"li2025", "baral2025-clahe", "shortcuts"} <= set(found)


def test_an_unknown_study_names_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"'li2026' does not exist; .*li2025"):
        run_study("li2026", scale="smoke", data=tmp_path, work=tmp_path, out=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "half"}, "--scale 'half': study 'made-up' has full, smoke"),
        ({"scale": "reduced"}, "--scale 'reduced': study 'made-up' has full, smoke"),
        (
            {"data": "none"},
            "no folder made-up-set in .*none; set PNEUMOSCOPE_DATA .*--data",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_work(made_up_study, tmp_path, change, message):
    data = tmp_path / change.get("data", "")
    scale = change.get("scale", "smoke")
    with pytest.raises(InputError, match=message):
        run_study(made_up_study.name, scale=scale, data=data, work=tmp_path / "work", out=None)
    assert not made_up_study.runs
    assert not (tmp_path / "work").exists()


def test_a_study_of_made_up_numbers_asks_for_no_data(tmp_path):
    data, work = tmp_path / "none", tmp_path / "work"
    page = run_study("tracking-detection", scale="smoke", data=data, work=work, out=None)
    assert page.is_file()


def test_a_page_that_could_not_be_written_is_refused_before_any_work(made_up_study, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run_study(
            made_up_study.name,
            scale="full",
            data=tmp_path,
            work=tmp_path / "work",
            out=tmp_path / "file",
        )
    assert not made_up_study.runs


def test_the_two_scales_have_work_of_their_own(made_up_study, tmp_path):
    for scale in ("full", "smoke"):
        run_study(made_up_study.name, scale=scale, data=tmp_path, work=tmp_path / "w", out=None)
    full, smoke = made_up_study.runs
    assert full.work != smoke.work
    assert (full.smoke, smoke.smoke) == (False, True)


def test_the_page_names_the_commits_of_its_experiments(made_up_study, tmp_path):
    work = tmp_path / "work"
    page = run_study(made_up_study.name, scale="full", data=tmp_path, work=work, out=None)
    assert "| commits of the experiments | of-one, of-two |" in page.read_text()


def test_a_smoke_page_stays_with_the_work_and_shows_nothing_published(made_up_study, tmp_path):
    pages = {
        scale: run_study(
            made_up_study.name,
            scale=scale,
            data=tmp_path,
            work=tmp_path / "work",
            out=tmp_path / "docs",
        )
        for scale in ("full", "smoke")
    }
    assert pages["full"].parent == tmp_path / "docs"
    assert (tmp_path / "work") in pages["smoke"].parents
    assert "0.4321" in pages["full"].read_text()
    assert "0.4321" not in pages["smoke"].read_text()
    assert "must not be compared" in pages["smoke"].read_text()
    numbers = json.loads(pages["smoke"].with_suffix(".json").read_text())
    assert numbers["command"] == "pneumoscope study made-up --scale smoke"
