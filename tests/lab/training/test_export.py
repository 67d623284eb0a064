"""A finished run as a bundle: answers, calibration, figures, terms, and what is refused."""

import importlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import onnx
import torch
import yaml
from torch.nn import functional

from pneumoscope.bundles import read_bundle
from pneumoscope.decision import decide
from pneumoscope.errors import BundleError, PneumoscopeError, RecipeError
from pneumoscope.evaluation import read_manifest
from pneumoscope.findings import Purpose
from pneumoscope.imaging import fingerprint, perceptual_hash, read_radiograph, to_input
from pneumoscope.inference import open_engine
from pneumoscope.lab.training import export, read_recipe, train
from pneumoscope.lab.training.finished_run import open_run
from pneumoscope.lab.training.prepare import prepare

pytestmark = pytest.mark.lab

CLASSES = ("NORMAL", "ABNORMAL", "PNEUMONIA")


@pytest.fixture(scope="module")
def parts(run, data_folder):
    """The labelled images of every part, by the run's certificate."""
    images = {
        f"{name}/{image.file}": image
        for name in ("children", "adults")
        for image in read_manifest(data_folder / name).images
    }
    split = json.loads((run / "split.json").read_text())
    return {
        part: {split["images"][i]: images[split["images"][i]] for i in at}
        for part, at in split["folds"][0].items()
    }


def _certificate(run):
    return json.loads((run / "split.certificate.json").read_text())


@pytest.fixture(scope="module")
def engine(bundle):
    return open_engine(bundle, threads=1)


@pytest.fixture(scope="module")
def profile(bundle):
    """The only one."""
    (section,) = bundle.description.profiles
    return section.profile()


@pytest.fixture(scope="module")
def decide_on(bundle, engine, profile):
    """Answer an image as the clinic does."""
    groups = bundle.description.groups()

    def answer(image):
        prediction = engine.predict([read_radiograph(image.path)])[0]
        return decide(prediction, age_groups=groups, profiles=[profile])

    return answer


def _logits(finished, images):
    """The network's logits, straight from the files."""
    spec = finished.recipe.input.spec
    inputs = [to_input(read_radiograph(i.path).pixels, spec) for i in images.values()]
    with torch.no_grad():
        return finished.network(torch.from_numpy(np.stack(inputs))).double()


def test_what_was_written_can_be_read_anywhere(bundle, run, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "moved")
    found = read_bundle(tmp_path / "moved")
    assert found.sha256 == bundle.sha256
    description = found.description
    assert (description.name, description.version) == ("tiny", "0.1")
    assert description.classes == CLASSES
    assert description.input.spec().size == 32
    assert description.split_sha256 == _certificate(run)["sha256"]
    assert description.leaks == ()
    sets = {s.name: (s.images, s.ages, s.absent_classes) for s in description.training_sets}
    assert sets == {"children": (24, None, ("ABNORMAL",)), "adults": (24, (18, 89), ())}


def test_the_engine_answers_as_the_network_does(engine, finished, parts):
    expected = _logits(finished, parts["report"]).numpy()
    found = [engine.predict([read_radiograph(i.path)])[0].logits for i in parts["report"].values()]
    np.testing.assert_allclose(np.squeeze(found, axis=1), expected, atol=1e-3)


def test_the_calibration_is_the_most_likely_one_of_the_calibrate_part(profile, finished, parts):
    images = parts["calibrate"]
    logits = _logits(finished, images)
    for row, file in enumerate(images):
        if file.startswith("children/"):
            logits[row, CLASSES.index("ABNORMAL")] = -torch.inf
    labels = torch.tensor([CLASSES.index(image.label) for image in images.values()])
    children = torch.tensor([file.startswith("children/") for file in images])
    assert children.sum() != (~children).sum()

    def loss(temperature, biases):
        each = functional.cross_entropy(logits / temperature + biases, labels, reduction="none")
        return (each[children].mean() + each[~children].mean()).item()

    # So few patients pay for no biases.
    assert set(profile.biases.values()) == {0.0}
    best = min(loss(t, torch.zeros(3)) for t in np.geomspace(0.05, 20, 5001))
    assert loss(profile.temperature, torch.zeros(3)) <= best + 1e-7


def test_the_operating_points_meet_their_targets_in_every_source(profile, decide_on, parts):
    images = parts["calibrate"]
    probability = np.array([decide_on(i).probabilities["PNEUMONIA"] for i in images.values()])
    positive = np.array([image.label == "PNEUMONIA" for image in images.values()])
    children = np.array([file.startswith("children/") for file in images])
    out, into = profile.operating_points
    assert (out.purpose, into.purpose) == (Purpose.RULE_OUT, Purpose.RULE_IN)
    assert {out.label, into.label} == {"PNEUMONIA"}
    assert out.threshold <= into.threshold
    for mine in (children, ~children):
        # The graph's last digits are not the network's.
        assert (probability[positive & mine] >= out.threshold - 1e-5).mean() >= 0.95
        assert (probability[~positive & mine] < into.threshold + 1e-5).mean() >= 0.9


def test_the_rates_of_the_points_are_those_of_the_report_part(profile, decide_on, parts):
    images = parts["report"].values()
    probability = np.array([decide_on(image).probabilities["PNEUMONIA"] for image in images])
    positive = np.array([image.label == "PNEUMONIA" for image in images])
    for point in profile.operating_points:
        called = probability >= point.threshold
        assert point.sensitivity[0] == pytest.approx(called[positive].mean())
        assert point.specificity[0] == pytest.approx((~called)[~positive].mean())


def test_what_a_network_does_not_draw_is_not_in_its_bundle(bundle):
    assert bundle.description.evidence is None
    assert bundle.description.distance_limits == {}
    assert [group.name for group in bundle.description.age_groups] == ["everyone"]
    outputs = {node.name for node in onnx.load_from_string(bundle.graph).graph.output}
    assert outputs == {"logits", "activation_maps"}


def test_training_images_are_all_but_those_of_the_report_part(bundle, parts):
    def lines(part):
        pictures = [read_radiograph(image.path).pixels for image in parts[part].values()]
        return {f"{fingerprint(each)} {perceptual_hash(each)}" for each in pictures}

    used = lines("train") | lines("stop") | lines("calibrate")
    assert not used & lines("report")
    text = (bundle.folder / "training-images.txt").read_text().splitlines()
    assert text == sorted(used)
    assert bundle.training_images == {line.split()[0] for line in text}
    assert len(bundle.training_hashes) == len(text)


def _section(card, title):
    """The text under a heading of the card, to the next heading."""
    return re.split(r"^#+ ", card.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize(
    ("population", "wanted"),
    [
        ("made-up children (children)", lambda file, image: file.startswith("children/")),
        ("made-up adults (adults)", lambda file, image: file.startswith("adults/")),
        ("made-up adults (adults), AP view", lambda file, image: image.extra.get("view") == "AP"),
    ],
    ids=["children", "adults", "AP"],
)
def test_the_card_states_what_the_bundle_does(bundle, decide_on, parts, population, wanted):
    images = [image for file, image in parts["report"].items() if wanted(file, image)]
    decisions = [decide_on(image) for image in images]
    pairs = [(i.label, d.predicted) for i, d in zip(images, decisions, strict=True)]
    section = _section(bundle.card, population)
    assert f"{len(images)} images of {len({i.patient_id for i in images})} patients." in section
    accuracy = np.mean([label == answer for label, answer in pairs])
    assert f"| accuracy | {accuracy:.3f} (" in section
    brier = np.mean(
        [
            sum((p - (name == i.label)) ** 2 for name, p in d.probabilities.items())
            for i, d in zip(images, decisions, strict=True)
        ]
    )
    stated = float(re.search(r"\| Brier score \(0 to 2\) \| ([\d.]+)", section).group(1))
    assert stated == pytest.approx(brier, abs=2e-3)
    for label in {label for label, _ in pairs}:
        row = " | ".join(str(pairs.count((label, answer))) for answer in CLASSES)
        assert f"| {label} | {row} |" in section


def test_the_card_states_what_the_operating_points_do(bundle, decide_on, profile, parts):
    section = bundle.card.split("## At the operating points\n")[1].split("\n## ")[0]
    for name, point in zip(("rule-out", "rule-in"), profile.operating_points, strict=True):
        rule = re.escape(point.rule)
        (found,) = re.findall(rf"\| everyone \| {name} \| ([\d.]+) \| {rule} \|", section)
        assert float(found) == pytest.approx(point.threshold, rel=0.0006)
    for prefix, population in (
        ("children/", "made-up children (children)"),
        ("adults/", "made-up adults (adults)"),
    ):
        images = [image for file, image in parts["report"].items() if file.startswith(prefix)]
        given = np.array([decide_on(image).probabilities["PNEUMONIA"] for image in images])
        positive = np.array([image.label == "PNEUMONIA" for image in images])
        row = rf"\| {re.escape(population)} \| everyone"
        for point in profile.operating_points:
            called = given >= point.threshold
            row += (
                rf" \| {called[positive].mean():.3f} .*\| {(~called)[~positive].mean():.3f} [^|]*"
            )
        assert re.search(row, section)


def test_the_card_ends_with_the_recipe(bundle, run):
    text = bundle.card.rpartition("```yaml\n")[2].removesuffix("```\n")
    assert yaml.safe_load(text) == yaml.safe_load((run / "recipe.yaml").read_text())


def test_the_card_says_what_the_split_was(bundle, run):
    assert _certificate(run)["sha256"] in bundle.card
    (split,) = _certificate(run)["folds"]
    for stratum in split["counts"]["train"]:
        row = " | ".join(
            str(split["counts"][part][stratum]) for part in ("train", "stop", "calibrate", "report")
        )
        assert f"| {stratum} | {row} |" in bundle.card


def test_the_card_compares_the_splits(bundle, run, run_by_image):
    section = _section(bundle.card, "What a split by image would have claimed")
    (split,) = _certificate(run_by_image)["folds"]
    assert split["patients_across_parts"] > 0
    assert f"Split by image, {split['patients_across_parts']} patients stand" in section
    opened = [open_run(folder) for folder in (run, run_by_image)]
    values = [
        {part.population: part.summary.metrics["accuracy"].value for part in one.figures}
        for one in opened
    ]
    rows = re.findall(r"^\| (.+) \| accuracy \| ([\d.]+) .*\| ([\d.]+) ", section, flags=re.M)
    assert {name for name, _, _ in rows} == set(values[0]) & set(values[1])
    for name, *stated in rows:
        assert [float(s) for s in stated] == pytest.approx([v[name] for v in values], abs=5e-4)


def test_the_card_and_the_licence_name_the_terms_of_every_set(bundle):
    assert "children (made-up children): CC0 1.0" in bundle.licence
    assert "adults (made-up adults): for tests only" in bundle.licence
    for text in ("CC0 1.0", "for tests only"):
        assert text in bundle.card
    assert "Nobody 2020, Made-up Children" in bundle.licence
    citations = [s.citation for s in bundle.description.training_sets]
    assert citations == ["Nobody 2020, Made-up Children", None]
    assert "{{" not in bundle.card + bundle.licence


# What is refused


def test_an_existing_folder_is_refused_and_left_as_it_is(run, tmp_path):
    place = tmp_path / "taken"
    place.mkdir()
    (place / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="already exists; give another folder"):
        export(run, place)
    assert [p.name for p in tmp_path.rglob("*")] == ["taken", "mine.txt"]


def test_a_folder_that_cannot_be_made_is_refused_before_the_run_is_opened(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BundleError, match=r"cannot be made in .*file; give another folder"):
        export(tmp_path / "no run", tmp_path / "file" / "bundle")


def _other_weights(graph, value):
    """The same graph with one changed bias."""
    model = onnx.load_from_string(graph)
    tensor = next(t for t in model.graph.initializer if list(t.dims) == [len(CLASSES)])
    changed = onnx.numpy_helper.to_array(tensor) + np.float32(value)
    tensor.CopyFrom(onnx.numpy_helper.from_array(changed, tensor.name))
    return model.SerializeToString()


@pytest.mark.parametrize("value", [0.01, np.nan])
def test_a_wrong_graph_never_becomes_a_bundle(bundle, run, tmp_path, monkeypatch, value):
    wrong = _other_weights(bundle.graph, value)
    module = importlib.import_module("pneumoscope.lab.training.export")
    monkeypatch.setattr(module, "to_graph", lambda *_: wrong)
    with pytest.raises(PneumoscopeError, match=r"differs from the network.*no bundle was written"):
        export(run, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"holds no run \(recipe\.yaml is missing\)"):
        export(tmp_path, tmp_path / "bundle")


def test_a_run_without_its_best_checkpoint_is_refused(copied, tmp_path):
    (copied / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(RecipeError, match=r"best\.ckpt: no such checkpoint"):
        export(copied, tmp_path / "bundle")


def test_a_recipe_of_another_network_is_refused(copied, write_recipe, tmp_path):
    write_recipe(copied / "recipe.yaml", {"input.size": 64})
    with pytest.raises(RecipeError, match="holds another network"):
        export(copied, tmp_path / "bundle")


def _move_one(text):
    paper = json.loads(text)
    paper["folds"][0]["train"].append(paper["folds"][0]["report"].pop())
    return json.dumps(paper)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_move_one, "data or the split changed"),
        (lambda text: text.replace('"seed": 3', '"seed": 4'), "data or the split changed"),
        (lambda text: "[]", "data or the split changed"),
        (lambda text: text[:100], "no valid JSON"),
    ],
    ids=["moved", "seed", "other", "cut"],
)
def test_a_changed_split_is_refused(copied, tmp_path, spoil, said):
    paper = copied / "split.json"
    text = paper.read_text()
    paper.write_text(spoil(text))
    assert paper.read_text() != text
    with pytest.raises(RecipeError, match=said):
        export(copied, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"recipe_sha256": "0"}'], ids=lambda text: str(text)
)
def test_a_changed_record_is_refused(copied, tmp_path, content):
    record = copied / "record.json"
    record.unlink()
    if content is not None:
        record.write_text(content)
    with pytest.raises(RecipeError, match=r"record\.json is missing or damaged|yaml changed"):
        export(copied, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("key", "value"),
    [("training.learning_rate", 0.002), ("split.seed", 4), ("input.clahe_clip", 3.0)],
)
def test_a_recipe_that_did_not_train_the_run_is_refused(copied, write_recipe, tmp_path, key, value):
    write_recipe(copied / "recipe.yaml", {key: value})
    with pytest.raises(RecipeError, match=r"recipe\.yaml changed since the run"):
        export(copied, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_what_only_the_bundle_says_may_be_mended(copied, write_recipe, tmp_path):
    source = {"population": "others", "licence": "CC BY", "citation": "A", "ages": [2, 3]}
    changes = {f"sources.0.{key}": value for key, value in source.items()}
    changes |= {"sources.0.limits": ["few."], "name": "mended", "version": "2"}
    write_recipe(copied / "recipe.yaml", changes)
    mended = export(copied, tmp_path / "bundle")
    assert (mended.description.name, mended.description.version) == ("mended", "2")
    told = mended.description.training_sets[0]
    assert {key: getattr(told, key) for key in source} == source | {"ages": (2, 3)}
    assert "- children: few.\n" in mended.card
    assert "drawn by a program" not in mended.card


@pytest.mark.usefixtures("silently_changed")
def test_other_images_or_labels_of_the_same_names_are_refused(run, tmp_path):
    recipe = read_recipe(run / "recipe.yaml")
    found = prepare(recipe, run / "recipe.yaml")
    assert found.facts == _certificate(run)["folds"][0]
    (fold,) = json.loads((run / "split.json").read_text())["folds"]
    assert {part: found.split.indices(part).tolist() for part in fold} == fold
    with pytest.raises(RecipeError, match="data or the split changed"):
        export(run, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:-1], lines[-1].replace("PNEUMONIA", "NORMAL")],
        lambda lines: [*lines[:-1], lines[-1].replace(",c5-1", ",c0-0")],
    ],
    ids=["removed", "relabelled", "another patient"],
)
def test_changed_data_are_refused(run, changed_data, tmp_path, change):
    labels = changed_data / "children" / "labels.csv"
    lines = labels.read_text().splitlines()
    assert change(lines) != lines
    labels.write_text("\n".join(change(lines)) + "\n")
    with pytest.raises(RecipeError, match="data or the split changed"):
        export(run, tmp_path / "bundle")


def test_a_comparison_is_of_a_run_by_patient_and_one_by_image(run, run_by_image, tmp_path):
    for pair in ((run_by_image, run), (run, run)):
        with pytest.raises(RecipeError, match="needs a run by patient, then a run by image"):
            export(run, tmp_path / "bundle", split_comparison=pair)
    assert not list(tmp_path.iterdir())


def test_a_comparison_is_of_runs_that_differ_in_the_split_alone(run, write_recipe, tmp_path):
    other = tmp_path / "other"
    changes = {"split.by": "image", "training.learning_rate": 0.002, "training.epochs": 1}
    train(write_recipe(tmp_path / "r.yaml", changes), other, accept_leak=True)
    with pytest.raises(RecipeError, match="differ in more than their split"):
        export(run, tmp_path / "bundle", split_comparison=(run, other))
    assert not (tmp_path / "bundle").exists()


def test_a_bundle_of_a_leaking_split_says_so_in_its_description_and_its_card(
    run_by_image, tmp_path
):
    leaking = export(run_by_image, tmp_path / "bundle")
    (leak,) = leaking.description.leaks
    assert leak == "; ".join(_certificate(run_by_image)["folds"][0]["leaks"])
    assert leak in leaking.card.split("## ")[0]


def test_the_graph_tells_nothing_of_the_machine_that_exported_it(bundle):
    for trace in (b"stack_trace", b"site-packages", str(Path(torch.__file__).parent).encode()):
        assert trace not in bundle.graph
