"""From phantoms to a bundle by the commands alone, and what a split that leaks is told as."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pneumoscope.synthetic import draw_phantom, write_png

for _needed in ("torch", "monai", "lightning"):
    pytest.importorskip(_needed)

pytestmark = pytest.mark.lab
Cli = Callable[..., Any]

RECIPE = {
    "name": "phantoms",
    "classes": ["NORMAL", "PNEUMONIA"],
    "positive_class": "PNEUMONIA",
    "sources": [
        {"name": "made", "folder": "made", "population": "nobody", "licence": "CC0 1.0"},
    ],
    "split": {"train": 0.4, "stop": 0.2, "calibrate": 0.2, "report": 0.2},
    "input": {"size": 32, "clahe_tiles": 2},
    "network": {"name": "li_cnn"},
    "training": {"epochs": 1, "batch_size": 4, "threads": 1},
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty phantoms, two of each patient."""
    folder = tmp_path_factory.mktemp("phantoms")
    rows = ["file,label,patient_id"]
    for number in range(40):
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        phantom = draw_phantom(number, size=128, opacity=label == "PNEUMONIA")
        write_png(phantom, folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{label},{label}-{number // 4}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the phantoms in `made`, and a recipe of them."""
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path))
    monkeypatch.setenv("PNEUMOSCOPE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(made, tmp_path / "made")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    return tmp_path


def _split(cli: Cli, place: Path, *more: object) -> Any:
    return cli("-q", "split", place / "made", "--out", place / "split.json", *more)


def _train(cli: Cli, place: Path, *more: object) -> Any:
    recipe, run = place / "recipe.yaml", place / "run"
    return cli("-q", "train", "--recipe", recipe, "--out", run, *more)


def test_a_split_groups_by_the_named_column_of_the_chosen_rows(cli: Cli, place: Path) -> None:
    table = place / "made" / "labels.csv"
    head, *rows = table.read_text("utf-8").splitlines()
    papers = [f"{(i + 2) // 4}-{i % 2}" for i in range(len(rows))]  # other pairs than patient_id's
    more = [f"{row},{'ab'[i // 20]},{papers[i]}" for i, row in enumerate(rows)]
    table.write_text("\n".join([f"{head},list,paper", *more]) + "\n", "utf-8")
    shares = ("--scheme", "holdout", "--stop", 0.2, "--calibrate", 0.2)
    columns = ("--patient-column", "paper", "--where", "list=a")
    assert _split(cli, place, *shares, *columns).code == 0
    split = json.loads((place / "split.json").read_text("utf-8"))
    assert split["images"] == [f"made/{number:02}.png" for number in range(20)]
    parts = [{papers[i] for i in part} for part in split["folds"][0].values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(set(papers[:20]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "list"], "--where 'list': give a column and its value: COLUMN=VALUE"),
        (["--where", "=a"], "--where '=a': give a column"),
        (["--where", "list=a", "--where", "list=b"], "'list' is given twice"),
        (["--where", "list=a"], "no column 'list' to choose images by"),
        (["--patient-column", "paper"], "no column 'paper' to tell the patients by"),
    ],
)
def test_a_column_that_is_not_there_is_one_line(
    cli: Cli, place: Path, options: list[str], message: str
) -> None:
    ended = _split(cli, place, *options)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert message in ended.err


def test_split_train_export_diagnose(cli: Cli, place: Path) -> None:
    ended = _split(cli, place, "--folds", 2, "--seed", 3, "--stop", 0.2, "--calibrate", 0.2)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("Fold ") == 2
    certificate = json.loads((place / "split.certificate.json").read_text("utf-8"))
    assert certificate["scheme"] == "stratified-kfold"
    split = ("--split", place / "split.json")
    assert _train(cli, place, *split, "--fold", 2).code == 0
    kept = json.loads((place / "run" / "split.json").read_text("utf-8"))["folds"]
    assert kept == json.loads((place / "split.json").read_text("utf-8"))["folds"][1:]
    assert cli("export", place / "run", "--out", place / "bundle").code == 0
    image = next((place / "made").glob("*.png"))
    ended = cli("diagnose", image, "--bundle", place / "bundle")
    assert ended.code == 0
    assert "leaks" not in ended.out + ended.err


@pytest.mark.parametrize("way", ["recipe", "file"])
def test_a_split_by_image_is_refused_or_told_first_by_every_report(
    cli: Cli, place: Path, way: str
) -> None:
    more: tuple[object, ...] = ()
    if way == "recipe":
        contents = RECIPE | {"split": RECIPE["split"] | {"by": "image"}}  # type: ignore[operator]
        (place / "recipe.yaml").write_text(yaml.safe_dump(contents))
    else:
        ended = _split(cli, place, "--by", "image", "--scheme", "holdout")
        assert ended.code == 0
        assert "LEAK: " in ended.err
        more = ("--split", place / "split.json")
    ended = _train(cli, place, *more)
    assert ended.code == 2
    assert "patients are in more than one part" in ended.err
    assert "--accept-leak" in ended.err
    assert not (place / "run").exists()
    assert _train(cli, place, *more, "--accept-leak").code == 0
    bundle, made = place / "bundle", place / "made"
    assert cli("export", place / "run", "--out", bundle).code == 0
    assert "split that leaks" in (bundle / "card.md").read_text("utf-8").split("## ")[0]
    if way == "file":  # the reports read the bundle, which is the same
        return
    image = next(made.glob("*.png"))
    for command in (
        ("evaluate", "--data", made, "--bundle", bundle),
        ("compare", "--data", made, "--a", bundle, "--b", bundle),
        ("diagnose", image, "--bundle", bundle),
    ):
        ended = cli(*command)
        assert ended.code == 0
        told = " ".join(ended.out.split())
        assert "was trained on a split that leaks" in told
        if command[0] != "diagnose":
            assert told.index("a split that leaks") < told.index("Accuracy")
        document = cli(*command, "--json", "-").json()
        assert document["warnings"][0]["code"] == "split_leaks"


def test_a_split_and_its_training_leave_out_the_same_unreadable_image(
    cli: Cli, place: Path
) -> None:
    (place / "made" / "00.png").write_bytes(b"")
    assert _split(cli, place, "--scheme", "holdout").code == 2
    more = ("--scheme", "holdout", "--max-unreadable-share", 0.025)
    assert _split(cli, place, *more).code == 0
    contents = RECIPE | {"data": {"max_unreadable_share": 0.025}}
    (place / "recipe.yaml").write_text(yaml.safe_dump(contents))
    assert _train(cli, place, "--split", place / "split.json").code == 0
    record = json.loads((place / "run" / "record.json").read_text("utf-8"))
    assert record["left_out"] == ["made/00.png"]


@pytest.mark.parametrize("out", [".", "..", "/", "made", "absent/split.json"])
def test_a_split_goes_into_a_file(
    cli: Cli, place: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    ended = cli("split", "made", "--out", out)
    assert ended.code == 2
    assert ended.err.startswith(f"pneumoscope: --out {out}: ")


def test_a_certificate_that_is_gone_is_refused_or_told(cli: Cli, place: Path) -> None:
    assert _split(cli, place, "--scheme", "holdout").code == 0
    (place / "split.certificate.json").unlink()
    ended = _train(cli, place, "--split", place / "split.json")
    assert ended.code == 2
    assert "its certificate, split.certificate.json, is missing" in ended.err
    assert _train(cli, place, "--split", place / "split.json", "--accept-leak").code == 0
    assert cli("export", place / "run", "--out", place / "bundle").code == 0
    description = json.loads((place / "bundle" / "bundle.json").read_text("utf-8"))
    assert description["leaks"] == ["the split's certificate was missing or stale"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--scheme", "thirds"), "--scheme"),
        (("--by", "hospital"), "'hospital' is not one of"),
        (("--folds", "30"), "cannot be divided into 30"),
        (("--folds", "0"), "--folds"),
        (("--holdout", "nan"), "--holdout"),
        (("--test", "1"), "--test"),
    ],
)
def test_a_split_that_cannot_be_made_is_told_in_one_line(
    cli: Cli, place: Path, more: tuple[str, str], said: str
) -> None:
    ended = _split(cli, place, *more)
    assert ended.code == 2
    assert said in ended.err.splitlines()[-1]
    assert not (place / "split.json").exists()


def test_one_class_is_refused(cli: Cli, place: Path) -> None:
    labels = place / "made" / "labels.csv"
    labels.write_text(labels.read_text().replace(",PNEUMONIA", ",NORMAL"))
    ended = _split(cli, place)
    assert ended.code == 2
    assert "all images are labelled 'NORMAL'" in ended.err


def test_a_fold_needs_a_split(cli: Cli, place: Path) -> None:
    ended = _train(cli, place, "--fold", 2)
    assert ended.code == 2
    assert "--fold" in ended.err


def test_a_resumed_run_keeps_its_split(cli: Cli, place: Path) -> None:
    ended = _train(cli, place, "--resume", "--split", place / "split.json")
    assert ended.code == 2
    assert "--split" in ended.err


def test_the_split_of_a_recipe_is_that_of_its_folders(cli: Cli, place: Path) -> None:
    assert _split(cli, place).code == 0
    by_folders = (place / "split.json").read_text("utf-8")
    ended = cli("-q", "split", "--recipe", place / "recipe.yaml", "--out", place / "other.json")
    assert ended.code == 0
    assert (place / "other.json").read_text("utf-8") == by_folders


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "give folders, or --recipe"),
        (("made", "--recipe", "recipe.yaml"), "give folders, or --recipe"),
        (("--recipe", "recipe.yaml", "--where", "list=a"), "leave out --where"),
        (("--recipe", "recipe.yaml", "--by", "day"), "'day' is not one of"),
    ],
)
def test_a_split_is_of_folders_or_of_a_recipe(
    cli: Cli, place: Path, given: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    ended = cli("split", *given, "--out", "split.json")
    assert ended.code == 2
    assert told in ended.err
    assert not (place / "split.json").exists()
