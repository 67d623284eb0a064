"""From a recipe to the search's folder, and on from an interrupted one."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import yaml

from pneumoscope.errors import InputError, RecipeError

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")
pytest.importorskip("deap")

import torch

from pneumoscope.lab.networks import UnitDropout, names
from pneumoscope.lab.training import build_network, read_recipe, train
from pneumoscope.lab.tuning import METHODS, Objective, SearchSettings, WarmUp, tune_dropout
from pneumoscope.lab.tuning.masks import drop_share, unpack
from pneumoscope.lab.tuning.state import check_units
from pneumoscope.lab.tuning.tune import _warn_of_a_poor_state

pytestmark = pytest.mark.lab

SMALL = SearchSettings(population=6, generations=5, batches=2, seed=1)
WRITTEN = {"journal.jsonl", "result.json", "search.svg", "tuned.yaml", "tuned-per-unit.yaml"}


def _answer(result):
    return {k: v for k, v in result.as_dict().items() if k != "seconds"}


@pytest.fixture(scope="module")
def searched(tmp_path_factory, recipe_path):
    """A search with its own warm-up."""
    out = tmp_path_factory.mktemp("search") / "out"
    steps = []
    result = tune_dropout(recipe_path, out, SMALL, warm_up=WarmUp(epochs=1), progress=steps.append)
    return out, result, steps


@pytest.fixture(scope="module")
def from_run(tmp_path_factory, recipe_path, run):
    """The search of a finished run, uninterrupted."""
    out = tmp_path_factory.mktemp("search") / "out"
    return out, tune_dropout(recipe_path, out, SMALL, warm_up=WarmUp(run=run))


def test_the_folder_holds_the_whole_search(searched):
    out, result, steps = searched
    assert {p.name for p in out.iterdir()} == WRITTEN | {"warm-up", "warm-up.yaml", "warm-up.json"}
    assert json.loads((out / "result.json").read_text()) == result.as_dict()
    assert [step.number for step in steps] == [0, 1, 2, 3, 4, 5]
    assert result.units == len(result.unit_rates) == 100
    assert result.rate == pytest.approx(drop_share(unpack(result.mask, 100)))
    assert result.objective == steps[-1].best == min(step.best for step in steps)
    assert sum(len(step.evaluations) for step in steps) == result.evaluations
    assert (out / "search.svg").read_bytes().startswith(b"<?xml")


def test_the_warm_up_is_the_recipe_with_the_preset_rate(searched, recipe_path):
    out, _, _ = searched
    given, warm = read_recipe(recipe_path), read_recipe(out / "warm-up/recipe.yaml")
    assert warm.network.options == given.network.options
    assert build_network(warm).dropout.p == SMALL.rate
    assert build_network(warm).blocks[0].dropout.p == 0.1
    assert warm.training == given.training.model_copy(update={"epochs": 1})
    assert warm.split == given.split


def test_the_tuned_recipes_are_the_recipe_with_the_answer_in_place(searched, recipe_path):
    out, result, _ = searched
    given = read_recipe(recipe_path)
    tuned, per_unit = (read_recipe(out / f) for f in ("tuned.yaml", "tuned-per-unit.yaml"))
    for recipe in (tuned, per_unit):
        network = build_network(recipe)
        assert {block.dropout.p for block in network.blocks} == {0.1}
        assert recipe.model_copy(update=_as_in(given, "network", "sources")) == given
        for source, its in zip(recipe.sources, given.sources, strict=True):
            assert source.model_copy(update={"folder": its.folder}) == its
    assert build_network(tuned).dropout.p == result.rate
    layer = build_network(per_unit).dropout
    assert isinstance(layer, UnitDropout)
    np.testing.assert_allclose(1 - layer.keep.numpy(), result.unit_rates, atol=1e-6)


def _as_in(recipe, *names):
    return {name: getattr(recipe, name) for name in names}


@pytest.fixture
def beside(recipe_path, run, tmp_path):
    """A recipe with all that may lie beside it, in a folder that is not the search's parent."""
    folder = shutil.copytree(recipe_path.parent, tmp_path / "mine")
    shutil.copytree(folder / "adults", folder / "further")
    shutil.copytree(run, folder / "run")
    contents = yaml.safe_load(recipe_path.read_text())
    contents["also_measured"] = [contents["sources"][1] | {"name": "b", "folder": "further"}]
    contents["initial_weights"] = "run/checkpoints/best.ckpt"
    path = folder / "beside.yaml"
    path.write_text(yaml.safe_dump(contents))
    return path


FILES = ("tuned.yaml", "tuned-per-unit.yaml")


def test_the_tuned_recipes_train_from_where_they_are_and_from_elsewhere(
    beside, tmp_path, monkeypatch
):
    out = tmp_path / "deep/er/out"
    monkeypatch.chdir(tmp_path)
    tune_dropout(beside.relative_to(tmp_path), out, SMALL, warm_up=WarmUp(epochs=1))
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    for file in FILES:
        train(out / file, tmp_path / f"run of {file}")
    moved = (out / "tuned.yaml").rename(tmp_path / "else/moved.yaml")
    train(moved, tmp_path / "run of moved")


def test_what_lies_under_the_variable_is_named_as_it_was(beside, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(beside.parent))
    out = tmp_path / "out"
    tune_dropout(beside, out, SMALL, warm_up=WarmUp(run=_own_run(beside, tmp_path)))
    given = read_recipe(beside)
    for recipe in (read_recipe(out / file) for file in FILES):
        assert recipe.sources == given.sources
        assert recipe.also_measured == given.also_measured
        assert (out / recipe.initial_weights).samefile(beside.parent / given.initial_weights)


def _own_run(recipe, tmp_path):
    train(recipe, tmp_path / "own run")
    return tmp_path / "own run"


def test_the_warm_up_is_timed_once(searched, from_run, recipe_path, tmp_path):
    out, result, _ = searched
    assert 0 < result.warm_up_seconds < 60
    assert from_run[1].warm_up_seconds is None
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "warm-up.json").unlink()  # as where the warm-up was interrupted
    again = tune_dropout(recipe_path, copy, SMALL, warm_up=WarmUp(epochs=1), resume=True)
    assert again.warm_up_seconds is None
    (copy / "warm-up.json").write_text("[]")
    with pytest.raises(RecipeError, match=r"warm-up\.json: is damaged; remove it"):
        tune_dropout(recipe_path, copy, SMALL, warm_up=WarmUp(epochs=1), resume=True)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [(float("nan"), r"best\.ckpt: the training diverged"), (1e30, "answers .* are no numbers")],
)
def test_a_run_that_diverged_is_refused_before_the_journal(
    recipe_path, run, tmp_path, spoilt, said
):
    copy = shutil.copytree(run, tmp_path / "run")
    checkpoint = torch.load(copy / "checkpoints/best.ckpt", weights_only=True)
    for name in ("network.hidden.weight", "network.norm.weight"):
        checkpoint["state_dict"][name].fill_(spoilt)
    torch.save(checkpoint, copy / "checkpoints/best.ckpt")
    with pytest.raises(InputError, match=said) as refused:
        tune_dropout(recipe_path, tmp_path / "out", SMALL, warm_up=WarmUp(run=copy))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out/journal.jsonl").exists()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_same_kind_of_result(tmp_path, recipe_path, run, method):
    settings = SearchSettings(method=method, population=5, evaluations=15, batches=2)
    result = tune_dropout(recipe_path, tmp_path / "out", settings, warm_up=WarmUp(run=run))
    assert {p.name for p in (tmp_path / "out").iterdir()} == WRITTEN
    assert result.search["method"] == method
    assert 0 <= result.rate < 1
    assert 0 < result.evaluations <= 15
    assert all(0 <= rate <= 0.95 for rate in result.unit_rates)
    again = tune_dropout(recipe_path, tmp_path / "again", settings, warm_up=WarmUp(run=run))
    assert _answer(again) == _answer(result)
    for file in ("tuned.yaml", "tuned-per-unit.yaml", "search.svg"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from pneumoscope.lab.tuning import SearchSettings, WarmUp, tune_dropout

def kill(step):
    if step.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)

recipe, out, run = map(Path, sys.argv[1:])
settings = SearchSettings(population=6, generations=5, batches=2, seed=1)
tune_dropout(recipe, out, settings, warm_up=WarmUp(run=run), progress=kill)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_search_goes_on_to_the_same_end(tmp_path, recipe_path, run, from_run):
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, recipe_path, out, run]
    assert subprocess.run(command, timeout=120, check=False).returncode == -signal.SIGKILL
    assert {p.name for p in out.iterdir()} == {"journal.jsonl"}
    with (out / "journal.jsonl").open("ab") as stream:
        stream.write(b'{"number": 3, "asked"')  # what a crash may leave
    seen = []
    warm_up = WarmUp(run=run)
    result = tune_dropout(
        recipe_path, out, SMALL, warm_up=warm_up, resume=True, progress=seen.append
    )
    assert [step.number for step in seen] == [3, 4, 5]
    straight_out, straight = from_run
    assert _answer(result) == _answer(straight)
    journals = [
        [json.loads(line) | {"seconds": 0} for line in (o / "journal.jsonl").open()]
        for o in (out, straight_out)
    ]
    assert journals[0] == journals[1]


def test_a_finished_search_resumes_to_its_own_answer(searched, recipe_path, tmp_path):
    out, result, _ = searched
    copy = shutil.copytree(out, tmp_path / "copy")
    again = tune_dropout(
        recipe_path, copy, SMALL, warm_up=WarmUp(epochs=1), resume=True, progress=pytest.fail
    )
    assert again.as_dict() == result.as_dict()
    for name in WRITTEN:
        assert (copy / name).read_bytes() == (out / name).read_bytes()


def test_an_interrupted_warm_up_goes_on(searched, recipe_path, tmp_path):
    out, result, _ = searched
    copy = shutil.copytree(out, tmp_path / "copy")
    for name in WRITTEN:
        (copy / name).unlink()
    again = tune_dropout(recipe_path, copy, SMALL, warm_up=WarmUp(epochs=1), resume=True)
    assert again.rate == result.rate
    shutil.rmtree(copy / "warm-up/checkpoints")
    (copy / "journal.jsonl").unlink()
    with pytest.raises(RecipeError, match="before its first checkpoint; remove"):
        tune_dropout(recipe_path, copy, SMALL, warm_up=WarmUp(epochs=1), resume=True)


def test_a_refusal_after_the_warm_up_costs_no_second_one(searched, recipe_path, tmp_path):
    out, result, _ = searched
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "journal.jsonl").unlink()
    many = SearchSettings(**(SMALL.as_dict() | {"batches": 100}))
    warm_up = WarmUp(epochs=1)
    with pytest.raises(RecipeError, match="batches: 100 of 4 images"):
        tune_dropout(recipe_path, copy, many, warm_up=warm_up, resume=True)
    again = tune_dropout(recipe_path, copy, SMALL, warm_up=warm_up, resume=True)
    assert _answer(again) == _answer(result)


def test_batches_that_cannot_be_drawn_are_refused_before_the_warm_up(recipe_path, tmp_path):
    many = SearchSettings(**(SMALL.as_dict() | {"batches": 100}))
    with pytest.raises(RecipeError, match="batches: 100 of 4 images"):
        tune_dropout(recipe_path, tmp_path / "out", many)
    assert not (tmp_path / "out").exists()


def test_a_network_worse_than_guessing_is_warned_of(caplog):
    def poor(weight):
        labels = torch.tensor([[0, 1]])
        known = torch.ones(1, 2, dtype=torch.bool)
        features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        zeros = torch.zeros_like(labels)
        return Objective(features, labels, zeros, known, torch.tensor(weight), torch.zeros(2))

    with caplog.at_level("WARNING", logger="pneumoscope"):
        _warn_of_a_poor_state(poor([[5.0, 0.0], [0.0, 5.0]]))
        assert not caplog.records
        _warn_of_a_poor_state(poor([[0.0, 5.0], [5.0, 0.0]]))
    assert "worse than guessing" in caplog.text


@pytest.mark.parametrize(
    ("changes", "epochs", "said"),
    [
        ({"seed": 2}, 1, "seed differ"),
        ({"population": 7}, 1, "population differ"),
        ({"method": "random", "scaling": "rank"}, 1, "method, scaling differ"),
        ({}, 2, "warm_up_epochs differ"),
    ],
)
def test_another_search_s_folder_is_refused(searched, recipe_path, changes, epochs, said):
    out, _, _ = searched
    settings = SearchSettings(**(SMALL.as_dict() | changes))
    before = (out / "journal.jsonl").read_bytes()
    with pytest.raises(InputError, match=said):
        tune_dropout(recipe_path, out, settings, warm_up=WarmUp(epochs=epochs), resume=True)
    assert (out / "journal.jsonl").read_bytes() == before


def test_more_minutes_are_no_other_search(from_run, recipe_path, run, tmp_path):
    out, result = from_run
    copy = shutil.copytree(out, tmp_path / "copy")
    settings = SearchSettings(**(SMALL.as_dict() | {"minutes": 5.0}))
    again = tune_dropout(recipe_path, copy, settings, warm_up=WarmUp(run=run), resume=True)
    assert _answer(again) == _answer(result)
    with pytest.raises(RecipeError, match=r"search of a finished run; name that run again"):
        tune_dropout(recipe_path, copy, settings, resume=True)


def test_a_folder_in_use_or_out_of_place_is_refused(searched, recipe_path, tmp_path):
    out, _, _ = searched
    (tmp_path / "file").write_text("mine")
    for place, resume, said in [
        (out, False, "already holds a search; .*--resume"),
        (tmp_path / "new", True, "no search to resume"),
        (tmp_path / "file", False, "is a file"),
        (recipe_path.parent, False, "holds the recipe"),
    ]:
        with pytest.raises(InputError, match=said):
            tune_dropout(recipe_path, place, SMALL, resume=resume)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_refused(recipe_path, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"):
            tune_dropout(recipe_path, tmp_path / "out", SMALL)
    finally:
        tmp_path.chmod(0o700)


def test_a_run_of_another_recipe_is_refused(run, recipe_path, tmp_path):
    contents = yaml.safe_load(recipe_path.read_text()) | {"seed": 8}
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(contents))
    with pytest.raises(RecipeError, match=r"trained with another recipe; search with .*recipe"):
        tune_dropout(other, tmp_path / "out", SMALL, warm_up=WarmUp(run=run))
    with pytest.raises(RecipeError, match="holds no run"):
        tune_dropout(recipe_path, tmp_path / "o", SMALL, warm_up=WarmUp(run=tmp_path))


def test_every_registered_network_can_be_searched(recipe_path):
    recipe = read_recipe(recipe_path)
    for name in names():
        sized = recipe.input.model_copy(update={"size": 96})
        network = recipe.network.model_copy(update={"name": name, "options": {}})
        check_units(recipe.model_copy(update={"input": sized, "network": network}))


def test_a_network_without_units_is_refused(recipe_path, monkeypatch):
    from torch import nn

    from pneumoscope.lab.networks import Network, registry

    def headless(*, classes: int, size: int, dropout: float = 0.5) -> Network:
        network = Network()
        network.output = nn.Conv2d(8, classes, 1)
        return network

    monkeypatch.setattr(registry, "_factories", dict(registry._factories))
    registry.register(headless)
    recipe = read_recipe(recipe_path)
    network = recipe.network.model_copy(update={"name": "headless"})
    with pytest.raises(RecipeError, match="'headless': has no units"):
        check_units(recipe.model_copy(update={"network": network}))
