"""The Python of the pages runs as it stands, and does what the page says."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import yaml
from PIL import Image

from pneumoscope import __version__
from pneumoscope.documents import dump, to_document
from pneumoscope.evaluation import read_boxes, read_manifest
from pneumoscope.metrics import Box
from pneumoscope.synthetic import draw_phantom, make_phantoms, write_dicom
from pneumoscope.workflow import diagnose

ROOT = Path(__file__).parents[2]
LAYOUT = "docs/how-to/lay-out-the-public-sets.md"


def blocks(page: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert found, page
    return found


def run(block: str) -> None:
    exec(compile(block, "page", "exec"), {"__name__": "page"})  # noqa: S102


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tutorial leaves after its steps 2, 5 and 6, beside the repository's own folders."""
    folder = tmp_path_factory.mktemp("checkout")
    output = folder / "demo-output"
    make_phantoms(output / "phantoms", 2, dicom=True, seed=6)
    answered = output / "phantoms" / "phantom-000007.dcm"
    (output / "diagnosis.json").write_text(dump(to_document(diagnose(answered))), "utf-8")
    image = pydicom.dcmread(answered)
    image.ViewPosition = "LL"
    image.save_as(output / "lateral.dcm")
    for name in ("docs", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("README.md", "\nmoderate Decision support only"),
        ("docs/tutorial/first-diagnosis.md", "No answer: The header says view LL"),
        ("docs/reference/python.md", "ImageError labels.csv: not JPEG"),
    ],
)
def test_the_examples_of_a_page_run(
    checkout: Path, capsys: pytest.CaptureFixture[str], page: str, said: str
) -> None:
    for block in blocks(page):
        run(block)
    shown = capsys.readouterr().out
    assert said in shown
    assert "Decision support only" in shown


def test_the_commands_for_many_images_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/how-to/read-many-images.md").read_text("utf-8")
    (manifest,) = re.findall(r"^```csv\n(.*?)^```$", page, re.M | re.S)
    (tmp_path / "cases.csv").write_text(manifest, "utf-8")
    commands = re.findall(r"^\$ pneumoscope (.*)$", page, re.M)
    for command in commands:
        subprocess.run([sys.executable, "-m", "pneumoscope", *shlex.split(command)], check=True)
    assert len((tmp_path / "results.jsonl").read_bytes().splitlines()) == 4
    with (tmp_path / "results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == [
        line.split(",")[0] for line in manifest.splitlines()[1:]
    ]
    assert all(row["severity_level"] for row in rows)


def test_the_check_of_a_document_runs(checkout: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    (block,) = blocks("docs/reference/json.md")
    run(block)
    document = json.loads(Path("demo-output/diagnosis.json").read_text("utf-8"))
    Path("demo-output/wrong.json").write_text(json.dumps(document | {"predicted": 1}), "utf-8")
    with pytest.raises(jsonschema.ValidationError):
        run(block.replace("output/diagnosis", "output/wrong"))


def test_the_python_page_names_every_field_and_every_error() -> None:
    from pneumoscope import errors
    from pneumoscope.findings import BundleIdentity, Decision, Diagnosis

    page = (ROOT / "docs/reference/python.md").read_text("utf-8")
    told = set(re.findall(r"`(\w+)`", page))
    for kind in (Diagnosis, Decision, BundleIdentity):
        assert set(kind.__dataclass_fields__) <= told
    raised = {name for name in vars(errors) if name.endswith("Error")} - {"PneumoscopeError"}
    assert raised <= told


def test_every_figure_of_the_intended_use_stands_in_the_card() -> None:
    page = (ROOT / "docs/intended-use.md").read_text("utf-8")
    card = (ROOT / "src/pneumoscope/bundles/packaged/chest/card.md").read_text("utf-8")
    figures = re.findall(r"\d\.\d+ \(\d\.\d+ to \d\.\d+\)", " ".join(page.split()))
    assert len(figures) == 10
    assert [figure for figure in figures if figure not in card] == []
    version = json.loads((ROOT / "src/pneumoscope/bundles/packaged/chest/bundle.json").read_text())
    assert f"`chest`, version {version['version']}" in page
    assert len(page.split()) <= 800


def test_the_citation_names_this_version_and_has_what_its_format_requires() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == __version__


def test_the_layout_of_guangzhou_tells_patients_and_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {
        "NORMAL/IM-0115-0001.jpeg": ("IM-0115", ""),
        "NORMAL/NORMAL2-IM-1423-0001-0002.jpeg": ("NORMAL2-IM-1423", ""),
        "PNEUMONIA/person447_virus_921_1.jpeg": ("virus-person447", "virus"),
        "PNEUMONIA/person447_bacteria_3.jpeg": ("bacteria-person447", "bacteria"),
    }
    for name in names:
        path = tmp_path / "guangzhou" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)
    run(blocks(LAYOUT)[0])
    images = read_manifest(tmp_path / "guangzhou").images
    assert {
        i.file.removeprefix("images/"): (i.patient_id, i.extra["etiology"]) for i in images
    } == names
    assert all(i.label == i.file.split("/")[1] for i in images)


@pytest.mark.shared
def test_the_layout_of_guangzhou_gives_the_table_that_the_studies_were_made_with(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guangzhou").mkdir()
    table = (shared_data / "guangzhou" / "labels.csv").read_text("utf-8")
    for row in csv.DictReader(table.splitlines()):
        path = tmp_path / "guangzhou" / row["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    run(blocks(LAYOUT)[0])
    made = (tmp_path / "guangzhou" / "labels.csv").read_text("utf-8")
    assert sorted(made.splitlines()) == sorted(table.splitlines())


CHALLENGE = {
    "image-a": ("Normal", "00000007_000.png", []),
    "image-b": ("Lung Opacity", "00000007_001.png", [(535, 626, 177, 240), (100, 200, 50, 60)]),
    "image-c": ("No Lung Opacity / Not Normal", "00000009_000.png", []),
    "image-d": ("Lung Opacity", "00000011_000.png", [(10, 20, 30, 40)]),
    "not-chosen": ("Lung Opacity", "00000012_000.png", [(1, 2, 3, 4)]),
}


def _lay_down_the_challenge(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    for name in set(CHALLENGE) - {"not-chosen"}:
        path = folder / "images" / f"{name}.dcm"
        write_dicom(draw_phantom(1, size=128, opacity=False, view="AP"), path)
        image = pydicom.dcmread(path)
        image.PatientAge, image.PatientSex = "051Y", "F"
        image.save_as(path)
    classes, boxes = ["patientId,class"], ["patientId,x,y,width,height,Target"]
    for name, (kind, _, places) in CHALLENGE.items():
        classes += [f"{name},{kind}"] * max(len(places), 1)
        boxes += [f"{name},{','.join(map(str, place))},1" for place in places]
        boxes += [] if places else [f"{name},,,,,0"]
    (folder / "stage_2_detailed_class_info.csv").write_text("\n".join(classes))
    (folder / "stage_2_train_labels.csv").write_text("\n".join(boxes))
    mapping = [{"subset_img_id": n, "img_id": file} for n, (_, file, _) in CHALLENGE.items()]
    (folder / "pneumonia-challenge-dataset-mappings_2018.json").write_text(json.dumps(mapping))


def test_the_layout_of_rsna_can_be_read_with_its_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _lay_down_the_challenge(tmp_path / "rsna")
    run(blocks(LAYOUT)[1])
    manifest = read_manifest(tmp_path / "rsna")
    assert [(i.extra["rsna_id"], i.label, i.patient_id) for i in manifest.images] == [
        ("image-a", "NORMAL", "NIH00000007"),
        ("image-b", "PNEUMONIA", "NIH00000007"),
        ("image-c", "ABNORMAL", "NIH00000009"),
        ("image-d", "PNEUMONIA", "NIH00000011"),
    ]
    about = {(i.extra["age"], i.extra["sex"], i.extra["view"]) for i in manifest.images}
    assert about == {("51", "F", "AP")}
    boxes = read_boxes(tmp_path / "rsna" / "boxes.csv", manifest)
    assert {file: len(found) for file, found in boxes.items()} == {
        "images/image-b.dcm": 2,
        "images/image-d.dcm": 1,
    }
    assert boxes["images/image-d.dcm"] == (Box(10 / 1024, 20 / 1024, 30 / 1024, 40 / 1024),)


def test_the_layout_of_baral2025_tells_label_and_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {
        "train/NORMAL/a.jpeg": ("NORMAL", "train"),
        "train/Pneumonia/b.PNG": ("PNEUMONIA", "train"),
        "test/ABNORMAL/a.jpg": ("ABNORMAL", "test"),
    }
    for name in (*names, "train/NORMAL/Thumbs.db"):
        path = tmp_path / "baral2025" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    run(blocks(LAYOUT)[2])
    images = read_manifest(tmp_path / "baral2025").images
    assert {
        i.file.removeprefix("images/"): (i.label, i.extra["official_split"]) for i in images
    } == names
