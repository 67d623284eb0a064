"""A run with age groups and maps of evidence as a bundle: what the clinic's rooms get of it."""

import csv
import json
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import onnx
import torch

from pneumoscope.evaluation import read_manifest, saliency_folder
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.inference import open_engine
from pneumoscope.lab.training import export, read_recipe, train
from pneumoscope.lab.training.export import TOLERANCES
from pneumoscope.lab.training.finished_run import open_run
from pneumoscope.lab.training.graph import parity
from pneumoscope.lab.training.saliency_card import heatmaps
from pneumoscope.workflow import diagnose

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")
LUNGS = {
    "name": "lungs",
    "folder": "lungs",
    "population": "made-up lungs",
    "licence": "CC0 1.0",
    "age_group": "adults",
    "boxes": "boxes.csv",
    "train_only": True,
}
CHANGES = {
    "age_groups": [
        {"name": "children", "from_age": 0, "to_age": 13},
        {"name": "adults", "from_age": 13},
    ],
    "sources.0.age_group": "children",
    "sources.1.age_group": "adults",
    "sources.1.boxes": "boxes.csv",
    "evidence": {"classes": ["ABNORMAL", "PNEUMONIA"], "shown": "PNEUMONIA"},
    # A network that knew nothing would have features that differ by rounding errors.
    "network": {
        "name": "efficientnet_lite",
        "options": {"variant": 0, "separate_heads": True, "pretrained": True},
    },
    "input": {"size": 64, "clahe_tiles": 2},
    "split": {"seed": 3, "train": 0.4, "stop": 0.1, "calibrate": 0.25, "report": 0.25},
    "training.precision": "fp32",
    "training.epochs": 2,
}


@pytest.fixture(scope="module")
def data(data_folder, tmp_path_factory):
    """The made-up data with boxes of adults, and a set that only trains; where recipes look."""
    place = tmp_path_factory.mktemp("by age") / "data"
    shutil.copytree(data_folder, place)
    shutil.copytree(place / "adults", place / "lungs")
    for name in ("adults", "lungs"):
        with (place / name / "labels.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        boxed = [row["file"] for row in rows if row["label"] == "PNEUMONIA"]
        lines = [f"{file},0.{n % 5},0.{n % 4},0.3,0.5" for n, file in enumerate(boxed)]
        (place / name / "boxes.csv").write_text("\n".join(["file,x,y,width,height", *lines]))
    # Other patients, and other pictures.
    table = (place / "lungs" / "labels.csv").read_text().replace(",a", ",l")
    (place / "lungs" / "labels.csv").write_text(table)
    for path in (place / "lungs").glob("*.png"):
        shutil.copy(place / "children" / path.name, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMOSCOPE_DATA", str(place))
        yield place


@pytest.fixture(scope="module")
def run(data, write_recipe, contents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("by age")
    recipe = write_recipe(folder / "r.yaml", {"sources": [*contents["sources"], LUNGS]} | CHANGES)
    train(recipe, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def finished(run):
    return open_run(run)


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    return export(run, tmp_path_factory.mktemp("by age") / "bundle")


@pytest.fixture(scope="module")
def engine(bundle):
    return open_engine(bundle, threads=1)


@pytest.fixture(scope="module")
def parts(run, data):
    """The labelled images of every part, by the run's split."""
    images = {
        f"{name}/{image.file}": image
        for name in ("children", "adults", "lungs")
        for image in read_manifest(data / name).images
    }
    split = json.loads((run / "split.json").read_text())
    return {
        part: {split["images"][i]: images[split["images"][i]] for i in at}
        for part, at in split["folds"][0].items()
    }


def answers(engine, images, prefix):
    return [
        engine.predict([read_radiograph(image.path)])[0]
        for file, image in images.items()
        if file.startswith(prefix)
    ]


def test_the_graph_has_what_the_description_calls_for(bundle, finished):
    outputs = {node.name for node in onnx.load_from_string(bundle.graph).graph.output}
    assert outputs == set(TOLERANCES)
    images = np.random.default_rng(0).random((3, 3, 64, 64), dtype=np.float32)
    differences = parity(finished.exported, bundle.graph, images)
    assert set(differences) == outputs
    assert all(far < TOLERANCES[name] for name, far in differences.items())


def test_the_distance_is_mahalanobis_of_the_embedding(engine, finished, parts):
    """By numpy's inverse, from the network's features of the images themselves."""

    def embedding(images):
        spec = finished.recipe.input.spec
        inputs = [to_input(read_radiograph(i.path).pixels, spec) for i in images]
        with torch.no_grad():
            return finished.network.outputs(torch.from_numpy(np.stack(inputs)))["embedding"]

    images = list(parts["report"].values())
    features = embedding(images).double().numpy()
    distance = finished.reading.distance
    expected = []
    for mean, whitening in zip(distance.mean, distance.whitening, strict=True):
        precision = (whitening.T @ whitening).double().numpy()
        centred = features - mean.double().numpy()
        expected.append(np.sqrt(np.einsum("id,de,ie->i", centred, precision, centred)))
    found = [engine.predict([read_radiograph(image.path)])[0].distance for image in images]
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-3)
    # Of the training images that are asked for, every patient once; lungs are not asked for.
    for group, prefix in enumerate(("children/", "adults/")):
        mine = {f: i for f, i in parts["train"].items() if f.startswith(prefix)}
        owners = [image.patient_id for image in mine.values()]
        weights = np.array([1 / owners.count(owner) for owner in owners])
        mean = np.average(embedding(list(mine.values())).numpy(), axis=0, weights=weights)
        np.testing.assert_allclose(distance.mean[group], mean, rtol=1e-3, atol=1e-5)


def test_nearly_all_of_the_calibrate_part_are_within_the_limits(bundle, engine, parts):
    limits = bundle.description.distance_limits
    assert set(limits) == {"children", "adults"}
    for group, name in enumerate(limits):
        found = [a.distance[group] for a in answers(engine, parts["calibrate"], f"{name}/")]
        assert max(found) == pytest.approx(limits[name], rel=1e-3)


def test_every_age_group_has_its_own_profile_and_its_own_classes(bundle):
    described = bundle.description
    assert [(g.name, g.from_age, g.to_age) for g in described.age_groups] == [
        ("children", 0, 13),
        ("adults", 13, None),
    ]
    taught = {profile.age_group: profile.classes for profile in described.profiles}
    assert taught == {"children": ("NORMAL", "PNEUMONIA"), "adults": CLASSES}
    for profile in described.profiles:
        purposes = [point.purpose.value for point in profile.operating_points]
        assert purposes == ["rule_out", "rule_in"]


def test_the_points_of_a_group_have_the_rates_of_its_report_part(bundle, parts, data):
    for profile in bundle.description.profiles:
        name, age = profile.age_group, {"children": 4, "adults": 50}[profile.age_group]
        images = [i for f, i in parts["report"].items() if f.startswith(f"{name}/")]
        read = [diagnose(i.path, bundle=str(bundle.folder), age=age) for i in images]
        kept = [r.decision is not None for r in read]
        given = [r.decision.probabilities["PNEUMONIA"] for r in read if r.decision]
        truth = np.array([i.label == "PNEUMONIA" for i in images])
        for point in profile.operating_points:
            called = np.array(given) >= point.threshold
            if all(kept) and point.sensitivity:
                assert point.sensitivity[0] == pytest.approx(called[truth].mean())
            if all(kept) and point.specificity:
                assert point.specificity[0] == pytest.approx((~called)[~truth].mean())
        if name == "children":
            assert all(r.decision.probabilities["ABNORMAL"] == 0 for r in read if r.decision)


def test_the_floor_is_above_the_maps_of_those_without_a_box(bundle, engine, parts):
    free = {f: i for f, i in parts["calibrate"].items() if i.label != "PNEUMONIA"}
    highest = [a.evidence[1].max() for a in answers(engine, free, "adults/")]
    floor = bundle.description.evidence.floor
    # Fewer than ten patients: nine of ten are all of them.
    assert 4 <= len(highest) < 10
    assert max(highest) == pytest.approx(floor, rel=1e-3)


def test_nobody_s_map_is_outlined_without_proof(bundle):
    evidence = bundle.description.evidence
    assert (evidence.classes, evidence.shown) == (("ABNORMAL", "PNEUMONIA"), "PNEUMONIA")
    assert evidence.outlined_for == ()
    assert "no radiologists' boxes on images of children" in evidence.why_not_outlined["children"]
    assert "the AP view" in evidence.why_not_outlined["adults"]


def test_the_card_measures_the_map_that_is_shown_with_grad_cam_beside_it(bundle, data):
    place = data / "adults"
    found = saliency_folder(place, place / "boxes.csv", bundle=str(bundle.folder), by=["view"])
    assert found.method == "evidence"
    section = bundle.card.split("## Where it looks\n")[1].split("\n## ")[0]
    item = found.held_out.measures["auprc"]
    row = f"| all ({found.held_out.n}) | pixelwise AUPRC | {item.heatmap.value:.3f} ("
    assert row in section
    assert item.grad_cam is not None
    assert f"| {item.grad_cam.value:.3f} (" in section
    assert item.over_grad_cam.value == pytest.approx(item.heatmap.value - item.grad_cam.value)
    for name, why in bundle.description.evidence.why_not_outlined.items():
        assert f"Not for {name}: {why}." in section
    assert "made-up lungs" not in section


def test_the_heatmaps_that_are_checked_are_those_that_are_shown(finished):
    images, groups = torch.rand(3, 3, 64, 64), np.array([1, 0, 1])
    with torch.no_grad():
        outputs = finished.network.outputs(images)
    shown = heatmaps(finished.recipe, groups)(finished.network, images)
    torch.testing.assert_close(shown, outputs["evidence"][:, 1])
    plain = finished.recipe.model_copy(update={"evidence": None})
    shown = heatmaps(plain, groups)(finished.network, images)
    expected = outputs["activation_maps"][torch.arange(3), torch.tensor(groups), 2]
    torch.testing.assert_close(shown, expected)


def test_a_source_that_only_trains_is_in_no_figure(bundle, finished, parts):
    assert any(file.startswith("lungs/") for file in parts["train"])
    assert not any("made-up lungs" in part.population for part in finished.figures)
    counts = [line for line in bundle.card.splitlines() if line.startswith("| lungs ")]
    assert counts
    assert all(line.rstrip(" |").endswith("| 0 | 0 | 0") for line in counts[1:])
    assert "Of lungs every image trained" in bundle.card


def test_the_card_has_a_section_for_all_that_it_promises(bundle, run):
    titles = {line[3:] for line in bundle.card.splitlines() if line.startswith("## ")}
    assert titles >= {"If the age is not known", "Images unlike the training", "Where it looks"}
    assert "so it is never answered for\nthem" in bundle.card
    assert "The evidence map of PNEUMONIA" in bundle.card
    assert read_recipe(run / "recipe.yaml").name in bundle.card
