"""Maps of evidence and age groups: what a recipe may say, what is drawn, taught and trained."""

import csv
from collections import Counter

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.errors import DataError, RecipeError
from pneumoscope.lab.datasets import LABEL_ONLY, UNKNOWN, Lesson, scheme_settings
from pneumoscope.lab.training import SplitChoice, read_recipe, split_recipe, train
from pneumoscope.lab.training.batches import draw_weights, evidence_lessons, training_loader
from pneumoscope.lab.training.evidence_loss import evidence_loss
from pneumoscope.lab.training.module import cycle
from pneumoscope.lab.training.prepare import prepare
from pneumoscope.lab.training.run_folder import prepare_again
from pneumoscope.lab.training.weights import build_network, load_weights

pytestmark = pytest.mark.lab

GROUPS = [{"name": "children", "from_age": 0, "to_age": 13}, {"name": "adults", "from_age": 13}]
CHANGES = {
    "age_groups": GROUPS,
    "sources.0.age_group": "children",
    "sources.1.age_group": "adults",
    "sources.1.boxes": "boxes.csv",
    "evidence": {"classes": ["ABNORMAL", "PNEUMONIA"], "shown": "PNEUMONIA"},
    "network": {"name": "efficientnet_lite", "options": {"variant": 0, "separate_heads": True}},
    "input": {"size": 64, "clahe_tiles": 2},
    "training.plateau": None,
    "training.one_cycle": {"warm_up": 0.3},
    "training.weight_decay": 1e-4,
    "training.precision": "fp32",
    "training.epochs": 2,
}


def label_rows(folder):
    return list(csv.DictReader((folder / "labels.csv").read_text().splitlines()))


@pytest.fixture
def boxed(changed_data):
    """The adults with a box for each PNEUMONIA but one."""
    adults = changed_data / "adults"
    files = [row["file"] for row in label_rows(adults) if row["label"] == "PNEUMONIA"]
    lines = [f"{file},0.5,0.25,0.25,0.5" for file in files[1:]]
    (adults / "boxes.csv").write_text("\n".join(["file,x,y,width,height", *lines]) + "\n")
    return changed_data


@pytest.fixture
def prepared(boxed, write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", CHANGES)
    recipe = read_recipe(path)
    return recipe, prepare(recipe, path)


def test_what_each_image_teaches(prepared):
    recipe, data = prepared
    lessons = evidence_lessons(recipe, data)
    abnormal, shown = lessons.kinds[:, 0], lessons.kinds[:, 1]
    adult = data.collection.sources == 1
    label = np.array(recipe.classes)[data.collection.labels]
    assert set(lessons.kinds[label == "NORMAL"].flatten()) == {Lesson.ABSENT}
    assert set(abnormal[label == "PNEUMONIA"]) == {Lesson.NOTHING}
    assert set(abnormal[label == "ABNORMAL"]) == {Lesson.SOMEWHERE}
    assert set(shown[(label == "ABNORMAL") & adult]) == {Lesson.ABSENT}
    assert set(shown[(label == "PNEUMONIA") & ~adult]) == {Lesson.SOMEWHERE}
    counted = Counter(shown[(label == "PNEUMONIA") & adult].tolist())
    assert counted == {Lesson.BOXES: 7, Lesson.SOMEWHERE: 1}
    target = lessons.target(min(data.boxes), lessons.box_mask(min(data.boxes), 64))
    assert target[1].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_it_trains_every_head_and_resumes_with_the_same_boxes(boxed, write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", CHANGES)
    recipe = read_recipe(path)
    out = tmp_path / "run"
    train(path, out)
    network = build_network(recipe)
    fresh = {name: values.clone() for name, values in network.state_dict().items()}
    load_weights(network, out / "checkpoints" / "last.ckpt")
    for name in ("evidence.weight", "age_group.weight", "output.weight", "fine.weight"):
        assert not torch.equal(network.state_dict()[name], fresh[name])
    again = prepare_again(out, recipe, path)
    assert len(again.boxes) == 7


def test_boxes_teach_so_they_belong_to_the_run(boxed, write_recipe, tmp_path):
    with_boxes = read_recipe(write_recipe(tmp_path / "a.yaml", CHANGES)).training_part()
    changed = CHANGES | {"sources.1.boxes": "others.csv"}
    assert read_recipe(write_recipe(tmp_path / "b.yaml", changed)).training_part() != with_boxes


def test_a_file_of_boxes_that_several_sets_share_may_list_others(boxed, write_recipe, tmp_path):
    adults = boxed / "adults"
    shared = boxed / "shared"
    shared.mkdir()
    text = (adults / "boxes.csv").read_text() + "elsewhere.png,0,0,0.5,0.5\n"
    (shared / "boxes.csv").write_text(text)
    path = write_recipe(tmp_path / "a.yaml", CHANGES | {"sources.1.boxes": "../shared/boxes.csv"})
    assert len(prepare(read_recipe(path), path).boxes) == 7
    (adults / "boxes.csv").write_text(text)
    own = write_recipe(tmp_path / "b.yaml", CHANGES)
    with pytest.raises(DataError, match="not that of exactly one image"):
        prepare(read_recipe(own), own)


def test_a_source_for_training_only_is_in_no_other_part(write_recipe, tmp_path):
    changes = {"sources.0.train_only": True}
    path = write_recipe(tmp_path / "r.yaml", changes)
    data = prepare(read_recipe(path), path)
    for part in ("stop", "calibrate", "report"):
        assert set(data.collection.sources[data.split.indices(part)]) == {1}
    # Nobody of them is elsewhere: all 24 train.
    assert (data.collection.sources[data.split.indices("train")] == 0).sum() == 24


def test_who_is_held_out_in_one_source_trains_in_none(write_recipe, changed_data, tmp_path):
    """`children` is made to hold the very patients of `adults`, as other pictures of them."""
    children = changed_data / "children"
    rows = label_rows(children)
    for number, row in enumerate(rows):
        row["patient_id"] = f"a{number}"
    with (children / "labels.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    changes = {
        "sources.0.train_only": True,
        "sources.0.shared_patients": "clinic",
        "sources.1.shared_patients": "clinic",
    }
    path = write_recipe(tmp_path / "r.yaml", changes)
    data = prepare(read_recipe(path), path)
    patients = np.array(data.collection.patients)
    training = set(patients[data.split.indices("train")])
    held_out = {
        patient
        for part in ("stop", "calibrate", "report")
        for patient in patients[data.split.indices(part)]
    }
    assert not training & held_out
    train_only = data.collection.sources[data.split.indices("train")] == 0
    assert 0 < train_only.sum() < 24


def test_a_source_is_drawn_as_it_says(boxed, write_recipe, tmp_path):
    adults = boxed / "adults" / "labels.csv"
    adults.write_text(adults.read_text().replace(",a20,", ",a23,").replace(",a21,", ",a23,"))
    changes = {
        "sources.0.share": 3,
        "sources.1.balance": ["label", "view"],
        "sources.1.patient_cap": 1,
    }
    path = write_recipe(tmp_path / "r.yaml", changes)
    recipe = read_recipe(path)
    data = prepare(recipe, path)
    everyone = np.arange(len(data.collection))
    weights = draw_weights(recipe, data, everyone)
    adult = data.collection.sources == 1
    assert weights[~adult].sum() == pytest.approx(3)
    assert weights[adult].sum() == pytest.approx(1)
    assert len(set(weights[~adult].round(12))) == 1
    crowd = np.array([patient == "adults/a23" for patient in data.collection.patients])
    assert crowd.sum() == 3
    cells = [
        (recipe.classes[data.collection.labels[i]], data.collection.extra[i]["view"])
        for i in everyone
        if adult[i]
    ]
    size = np.array([Counter(cells)[cell] for cell in cells])
    capped = weights[adult] * size * np.where(crowd[adult], 3, 1)
    assert np.ptp(capped / capped.mean()) < 1e-9


def test_a_column_that_cannot_be_balanced_is_told(write_recipe, tmp_path):
    path = write_recipe(tmp_path / "r.yaml", {"sources.0.balance": ["view"]})
    recipe = read_recipe(path)
    with pytest.raises(RecipeError, match=r"'children': balance: .* no column 'view'"):
        training_loader(recipe, prepare(recipe, path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources.0.age_group": "infants"}, "age_group must be one of children, adults"),
        ({"sources.0.age_group": None}, "age_group must be one of"),
        ({"age_groups": [GROUPS[1], GROUPS[0]]}, "follow each other"),
        ({"age_groups": [*GROUPS[:1], GROUPS[1] | {"to_age": 90}]}, "without to_age"),
        ({"age_groups": [GROUPS[0] | {"to_age": 12}, GROUPS[1]]}, "follow each other"),
        ({"evidence": {"classes": ["CANCER"], "shown": "CANCER"}}, "some are not classes"),
        ({"evidence": {"classes": ["ABNORMAL"], "shown": "PNEUMONIA"}}, "not among the evidence"),
        ({"training.plateau": {}}, "one_cycle and plateau"),
        ({"sources.0.train_only": True, "sources.1.train_only": True}, "every source is train"),
    ],
)
def test_what_cannot_be_trained_is_refused(write_recipe, tmp_path, changes, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(write_recipe(tmp_path / "r.yaml", CHANGES | changes))


def test_the_loss_of_maps_by_hand():
    logits = torch.zeros(2, 2, 4, 4)
    target = torch.full((2, 2, 4, 4), UNKNOWN)
    target[0, 0] = 0
    target[0, 0, 1, 1] = 1
    target[1, 1] = LABEL_ONLY
    told = evidence_loss(logits, target, 3.0)
    half = float(np.log(2))
    assert told.cells.item() == pytest.approx(half * (15 + 3) / 16)
    assert told.labels.item() == pytest.approx(half)


def test_what_is_not_known_of_a_map_teaches_it_nothing():
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    target = torch.full((2, 1, 4, 4), UNKNOWN)
    target[1] = LABEL_ONLY
    sum(evidence_loss(logits, target, 3.0)).backward()
    assert (logits.grad[0] == 0).all()
    assert (logits.grad[1] != 0).sum() == 1  # the highest cell alone
    target[1] = UNKNOWN
    assert sum(evidence_loss(logits, target, 3.0)).item() == 0


@given(steps=st.integers(2, 500), warm_up=st.floats(0.05, 0.9))
def test_the_learning_rate_goes_up_then_down(steps, warm_up):
    shares = np.array([cycle(step, steps=steps, warm_up=warm_up) for step in range(steps)])
    assert ((shares > 0) & (shares <= 1)).all()
    peak = int(shares.argmax())
    assert (np.diff(shares[: peak + 1]) >= 0).all()
    assert (np.diff(shares[peak:]) <= 0).all()
    assert shares[-1] == pytest.approx(1e-3)


def test_folds_of_a_recipe_keep_its_sources_apart(write_recipe, changed_data, tmp_path):
    changes = {"sources.0.train_only": True, "sources.1.shared_patients": "clinic"}
    path = write_recipe(tmp_path / "r.yaml", changes)
    recipe = read_recipe(path)
    settings = scheme_settings(scheme="stratified-kfold", folds=2, stop=0.34, calibrate=0.33)
    certificate = split_recipe(recipe, path, settings, by="patient", out=tmp_path / "s.json")
    assert [fold["leaks"] for fold in certificate["folds"]] == [[], []]
    reported = []
    for number in (1, 2):
        data = prepare(recipe, path, SplitChoice(tmp_path / "s.json", number))
        for part in ("stop", "calibrate", "report"):
            assert set(data.collection.sources[data.split.indices(part)]) == {1}
        assert (data.collection.sources[data.split.indices("train")] == 0).sum() == 24
        reported += data.split.indices("report").tolist()
    assert sorted(reported) == np.flatnonzero(data.collection.sources == 1).tolist()
