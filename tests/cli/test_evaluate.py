"""`pneumoscope evaluate`: its document, its table, and what it says of which images it scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from pneumoscope.bundles import TRAINING_IMAGES, Bundle, write_bundle
from pneumoscope.findings import NOTICE
from pneumoscope.imaging import fingerprint, perceptual_hash, reduce_by_area
from pneumoscope.synthetic import draw_phantom

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "evaluation.schema.json"
COMPARISON = SCHEMA.with_name("comparison.schema.json")
Cli = Callable[..., Any]


def check_schema(document: object) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("more", [[], ["--positive", "PNEUMONIA"], ["--positive", "NORMAL"]])
def test_json_on_stdout_is_one_valid_document(
    cli: Cli, folder: Path, bundle: str, more: list[str]
) -> None:
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", "-", *more)
    assert ended.code == 0
    document = ended.json()
    check_schema(document)
    assert document["notice"] == NOTICE
    assert document["n"] == 6
    assert sum(sum(row.values()) for row in document["confusion"].values()) == 6
    # The tiny bundle's operating point is for PNEUMONIA: elsewhere it means nothing.
    assert bool(document["operating_points"]) == ("PNEUMONIA" in more)


def test_the_age_group_of_images_without_ages_can_be_said(
    cli: Cli, folder: Path, bundle: str, grouped_bundle: Bundle
) -> None:
    start = ("evaluate", "--data", folder, "--bundle", grouped_bundle.folder)
    guessed, stated = (
        cli(*start, "--positive", "PNEUMONIA", "--json", "-", *more).json()
        for more in ((), ("--age-group", "children"))
    )
    for document in (guessed, stated):
        check_schema(document)
        assert sum(one["images"] for one in document["profiles"]) == 6
        assert document["prediction_sets"]["images"] == 6
        assert document["prediction_sets"]["coverage"] == 0.9
    assert all(one["chosen_by"] == {"image": one["images"]} for one in guessed["profiles"])
    (profile,) = stated["profiles"]
    assert (profile["age_group"], profile["chosen_by"]) == ("children", {"age": 6})
    shown = " ".join(cli(*start, "--positive", "PNEUMONIA").out.split())
    assert "The age of 6 images is not known" in shown
    wrong = cli("-q", *start, "--age-group", "elders")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (2, "", 1)
    assert "children, adults" in wrong.err
    comparing = ("compare", "--a", grouped_bundle.folder, "--b", bundle, "--data", folder)
    compared = cli(*comparing, "--json", "-", "--age-group", "children").json()
    jsonschema.validate(compared, json.loads(COMPARISON.read_text("utf-8")))
    assert compared["differences"]["brier"]["a"] == stated["brier"]["value"]


def test_figures_of_an_official_list_say_so_everywhere(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    rows = [
        f"{file},{file.split('/')[0]},P{i // 2},{'train' if i < 2 else 'val'}"
        for i, file in enumerate(files)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,label,paper,list", *rows]), "utf-8")
    columns = ("--patient-column", "paper", "--where", "list=val")
    page = tmp_path / "page.html"
    told = ["(list = val)", "told by paper"]
    for command, n in (
        (("evaluate", "--data", folder, "--bundle", bundle), 4),
        (("compare", "--data", folder, "--a", bundle, "--b", bundle), 4),
        (("data", "fingerprint", folder), 4),
    ):
        document = cli(*command, *columns, "--json", "-").json()
        assert document["n"] == n
        assert document["data"]["where"] == {"list": "val"}
        assert document["data"]["patient_column"] == "paper"
        shown = " ".join(cli(*command, *columns).out.split())
        assert all(words in shown for words in told)
    cli("evaluate", "--data", folder, "--bundle", bundle, *columns, "--report", page)
    assert all(words in page.read_text("utf-8") for words in told)


def test_json_in_a_file_and_a_table_for_people(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    target = tmp_path / "a.json"
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", target)
    document = json.loads(target.read_text("utf-8"))
    check_schema(document)
    assert NOTICE in " ".join(ended.out.replace("│", " ").split())
    assert f"{document['brier']['value']:.3f}" in ended.out


def test_stderr_holds_no_progress_when_it_is_no_terminal(
    cli: Cli, folder: Path, bundle: str
) -> None:
    ended = cli("-q", "evaluate", "--data", folder, "--bundle", bundle, "--json", "-")
    assert ended.err == ""


def test_images_left_out_are_named(cli: Cli, folder: Path, bundle: str) -> None:
    (folder / "NORMAL" / "broken.png").write_bytes(b"not an image")
    start = ("evaluate", "--data", folder, "--bundle", bundle)
    document = cli(*start, "--json", "-").json()
    check_schema(document)
    assert document["n"] == 6
    assert document["data"]["images"] == 7
    assert document["data"]["unreadable"] == ["NORMAL/broken.png"]
    assert "NORMAL/broken.png" in cli(*start).out


def test_changed_copies_of_training_images_are_named(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    known = draw_phantom(5, size=256).pixels
    described = json.loads((Path(bundle) / "bundle.json").read_text("utf-8"))
    contents = {name: (Path(bundle) / name).read_bytes() for name in described.pop("files")}
    contents[TRAINING_IMAGES] = f"{fingerprint(known)} {perceptual_hash(known)}\n".encode()
    place = write_bundle(tmp_path / "knows", described, contents).folder
    small = Image.fromarray(reduce_by_area(known, 160))
    small.save(folder / "NORMAL" / "copy.jpg", quality=60)
    start = ("evaluate", "--data", folder, "--bundle", place)
    document = cli(*start, "--json", "-").json()
    check_schema(document)
    assert document["overlap"] == {"identical": [], "near": ["NORMAL/copy.jpg"]}
    assert (document["in_training"], document["near_training"]) == (0, 1)
    assert (document["n"], document["without_overlap"]["n"]) == (7, 6)
    text = " ".join(cli(*start).out.split())
    assert text.index("1 of 7 images look like changed copies") < text.index("Metrics")
    comparing = ("compare", "--a", place, "--b", bundle, "--data", folder)
    compared = cli(*comparing, "--json", "-").json()
    jsonschema.validate(compared, json.loads(COMPARISON.read_text("utf-8")))
    assert compared["near_training"] == {"a": 1, "b": None}
    assert compared["overlap"]["a"]["near"] == ["NORMAL/copy.jpg"]
    assert compared["without_overlap"]["n"] == 6
    assert "copies of images in the training of a" in " ".join(cli(*comparing).out.split())


def test_images_that_diagnose_refuses_are_scored(
    cli: Cli, folder: Path, bundle: str, dicom: Callable[..., Path]
) -> None:
    lateral = dicom("lateral.dcm", ViewPosition="LL")
    assert cli("diagnose", lateral, "--bundle", bundle, "--json", "-").json()["abstained"]
    lateral.rename(folder / "NORMAL" / "lateral.dcm")
    start = ("evaluate", "--data", folder, "--bundle", bundle)
    document = cli(*start, "--json", "-").json()
    check_schema(document)
    assert (document["n"], document["abstained"]) == (7, 1)
    assert sum(sum(row.values()) for row in document["confusion"].values()) == 7
    assert "refused by diagnose" in " ".join(cli(*start).out.split())


def test_a_label_without_a_class_is_a_negative_where_it_is_named(
    cli: Cli, folder: Path, bundle: str
) -> None:
    (folder / "ABNORMAL").rename(folder / "COVID")
    start = ("evaluate", "--data", folder, "--bundle", bundle, "--json", "-")
    document = cli(*start, "--positive", "PNEUMONIA", "--negative", "COVID").json()
    check_schema(document)
    assert sum(document["confusion"]["COVID"].values()) == 2


FIGURES = (
    "per_class",
    "o_e",
    "reliability",
    "roc",
    "precision_recall",
    "decision_curve",
    "subgroups",
)


def with_table(folder: Path) -> Path:
    """Give the class folders a table with a view and an age."""
    files = sorted(folder.rglob("*.png"))
    rows = [
        f"{file.relative_to(folder).as_posix()},{file.parent.name},{('AP', 'PA')[i % 2]},{i * 20}"
        for i, file in enumerate(files)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,label,view,age", *rows]), "utf-8")
    return folder


def test_the_report_and_the_document_hold_the_same_numbers(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    page, target = tmp_path / "out.html", tmp_path / "out.json"
    start = ("evaluate", "--data", with_table(folder), "--bundle", bundle)
    ended = cli(
        *start,
        "--positive",
        "PNEUMONIA",
        "--by",
        "view",
        "--by",
        "age",
        "--report",
        page,
        "--json",
        target,
    )
    assert ended.code == 0
    assert str(page) in ended.out.replace("\n", "")
    document = json.loads(target.read_text("utf-8"))
    check_schema(document)
    assert set(FIGURES) <= set(document)
    assert list(document["subgroups"]) == ["view", "age"]
    assert [group["n"] for group in document["subgroups"]["view"]] == [3, 3]
    html = page.read_text("utf-8")
    assert NOTICE in html
    for name in ("auroc", "auprc", "brier"):
        assert f"{document[name]['value']:.3f}" in html
    assert "By view" in ended.out


def test_without_a_report_no_subgroup_is_made(cli: Cli, folder: Path, bundle: str) -> None:
    document = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", "-").json()
    assert document["subgroups"] == {}
    assert list(document["roc"]) == ["NORMAL", "ABNORMAL", "PNEUMONIA"]
    assert "auprc" not in document


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--by", "sex"], "no column 'sex'"),
        (["--by", "view", "--by", "view"], "named twice"),
        (["--report", "no/such/folder/a.html"], "does not exist"),
        (["--report", "same", "--json", "same"], "name the same file"),
    ],
)
def test_a_wrong_column_or_target_is_one_line_and_nothing_is_written(
    cli: Cli, folder: Path, bundle: str, more: list[str], words: str
) -> None:
    ended = cli("evaluate", "--data", with_table(folder), "--bundle", bundle, *more)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert words in ended.err


def with_boxes(folder: Path) -> Path:
    """Give both images of PNEUMONIA a box."""
    path = folder / "boxes.csv"
    path.write_text(
        "file,x,y,width,height\nPNEUMONIA/2.png,0,0,0.5,0.5\nPNEUMONIA/5.png,0.5,0.5,0.5,0.5\n",
        "utf-8",
    )
    return path


def test_boxes_add_where_it_looks_to_the_document_the_table_and_the_page(
    cli: Cli, folder: Path, bundle: str, tmp_path: Path
) -> None:
    page, target = tmp_path / "out.html", tmp_path / "out.json"
    start = ("evaluate", "--data", with_table(folder), "--bundle", bundle, "--by", "view")
    boxes = ("--boxes", with_boxes(folder))
    ended = cli(*start, *boxes, "--report", page, "--json", target)
    assert ended.code == 0
    document = json.loads(target.read_text("utf-8"))
    check_schema(document)
    found = document["saliency"]
    assert (found["label"], found["boxes"], found["held_out"]["n"]) == ("PNEUMONIA", 2, 2)
    assert [group["group"] for group in found["subgroups"]["view"]] == ["AP", "PA"]
    html = page.read_text("utf-8")
    for text in (html, " ".join(ended.out.split())):
        assert found["verdict"] in text
        for item in found["held_out"]["measures"].values():
            assert f"{item['heatmap']['value']:.3f}" in text
            assert f"{item['over_fixed_map']['value']:+.3f}" in text
    assert "saliency" not in cli(*start, "--json", "-").json()


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_the_boxes_are_never_written_over(cli: Cli, folder: Path, bundle: str, option: str) -> None:
    boxes = with_boxes(folder)
    before = boxes.read_bytes()
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--boxes", boxes, option, boxes)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert boxes.read_bytes() == before


def test_boxes_that_cannot_be_used_are_one_line(cli: Cli, folder: Path, bundle: str) -> None:
    boxes = with_boxes(folder)
    boxes.write_text("file,x,y\n", "utf-8")
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--boxes", boxes)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "no column 'width'" in ended.err
