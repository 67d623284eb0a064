"""A recipe that cannot work is refused before anything is trained, in one clear line."""

import time
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import RecipeError
from pneumoscope.findings import ImageKind, InputSpec
from pneumoscope.lab.training import read_recipe
from pneumoscope.lab.training.recipe import source_folder

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parents[3] / "recipes"
PUBLISHED = (
    "chest-112",
    "chest-112-by-image",
    "chest-2",
    "chest-2-160",
    "chest-children",
    "covid-ct",
)


@pytest.fixture(scope="module")
def published():
    return {name: read_recipe(FOLDER / f"{name}.yaml") for name in PUBLISHED}


def test_no_recipe_of_the_repository_is_left_out():
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.yaml" for name in PUBLISHED}


def test_the_recipe_by_image_differs_in_that_alone(published):
    by_patient, by_image = (published[name] for name in PUBLISHED[:2])
    assert (by_patient.split.by, by_image.split.by) == ("patient", "image")
    split = by_image.split.model_copy(update={"by": "patient"})
    told = {name: getattr(by_patient, name) for name in ("name", "version", "sources")}
    assert by_image.model_copy(update=told | {"split": split}) == by_patient


def test_the_second_stage_never_sees_what_the_first_one_reports(published):
    first, second = published["chest-2-160"], published["chest-2"]
    assert first.split == second.split
    assert [s.folder for s in first.sources] == [s.folder for s in second.sources]
    assert first.classes == second.classes
    assert second.initial_weights == "../runs/chest-2-160/checkpoints/best.ckpt"


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_recipes_say_whose_images_they_use(published, name):
    for source in published[name].sources:
        assert source.citation
        assert source.limits
        # The papers of covid-ct tell no ages.
        assert source.ages or name == "covid-ct"


def test_the_official_validation_list_trains_nothing(published):
    recipe = published["covid-ct"]
    assert [dict(source.subset) for source in recipe.sources] == [{"official_split": "train"}]
    assert [dict(source.subset) for source in recipe.also_measured] == [{"official_split": "val"}]
    assert {s.patient_column for s in (*recipe.sources, *recipe.also_measured)} == {"paper_id"}
    assert recipe.reads is ImageKind.CHEST_CT
    assert recipe.not_for


def test_what_is_written_is_what_is_read(tmp_path, write_recipe):
    path = write_recipe(
        tmp_path / "r.yaml",
        {
            "network.name": "densenet_capsnet",
            "network.options": {"backbone": 121, "frozen": True},
            "input": {"size": 64, "clahe_clip": None},
        },
    )
    recipe = read_recipe(path)
    assert recipe.input.spec == InputSpec(size=64, clahe_clip=None, clahe_tiles=8, channels=3)
    assert recipe.network.options["frozen"] is True
    assert recipe.sources[0].absent_classes == ("ABNORMAL",)
    assert recipe.sources[1].absent_classes == ()


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("colour", "blue", "colour: is no key of a recipe"),
        ("training.momentum", 0.9, r"training\.momentum: is no key of a recipe"),
        ("bad\nkey", 1, "bad key: is no key of a recipe"),
        ("name", "Two Words", "name: "),
        ("version", 1, "version: "),
        ("seed", -1, "seed: "),
        ("seed", 2**32, "seed: "),
        ("classes", ["NORMAL"], "classes: "),
        ("classes", ["NORMAL", "PNEUMONIA", "NORMAL"], "a class is listed twice"),
        ("classes", ["NORMAL", "ABNORMAL", "covid-19"], r"classes\.2: "),
        ("positive_class", "COVID", "positive_class 'COVID' is not among the classes"),
        ("positive_sensitivity", 0, "positive_sensitivity: "),
        ("positive_sensitivity", 1.1, "positive_sensitivity: "),
        ("sources", [], "sources: "),
        ("sources.0.folder", "", r"sources\.0\.folder: "),
        ("sources.0.licence", "x" * 1001, r"sources\.0\.licence: "),
        ("sources.0.licence", "two\nlines", r"sources\.0\.licence: "),
        ("sources.0.citation", "  ", r"sources\.0\.citation: "),
        ("sources.0.limits", ["known", "\x1b[2J"], r"sources\.0\.limits\.1: "),
        ("sources.0.ages", [5, 1], "source 'children': the youngest age is above the oldest"),
        ("sources.0.ages", [-1, 5], r"sources\.0\.ages\.0: "),
        ("sources.1.name", "children", "two sources have the same name"),
        ("sources.0.absent_classes", ["COVID"], r"source 'children': \['COVID'\] are not classes"),
        ("sources.0.absent_classes", ["ABNORMAL", "NORMAL"], "fewer than two classes"),
        ("split.by", "hospital", r"split\.by: "),
        ("split.seed", -1, r"split\.seed: "),
        ("split.report", 0.3, "split: train, stop, calibrate and report .* sum to 1"),
        ("split.report", NAN, r"split\.report: "),
        ("split", {"train": 0.8, "stop": 0.1, "calibrate": 0.1, "report": 0}, "split: .*above 0"),
        ("input.size", 16, "input: input size 16"),
        ("input.clahe_tiles", 0, "input: 0 CLAHE tiles"),
        ("input.clahe_clip", NAN, r"input\.clahe_clip: "),
        ("network.name", "resnet9000", r"network\.name: 'resnet9000'.*li_cnn"),
        ("augmentation", {"shift": 2}, r"augmentation\.shift: "),
        ("augmentation", {"jpeg_quality": [95, 40]}, "augmentation: jpeg_quality"),
        ("training.epochs", 0, r"training\.epochs: "),
        ("training.epochs", 1.5, r"training\.epochs: "),
        ("training.batch_size", 1, r"training\.batch_size: "),
        ("training.learning_rate", 0, r"training\.learning_rate: "),
        ("training.learning_rate", INFINITE, r"training\.learning_rate: "),
        ("training.l1", -1, r"training\.l1: "),
        ("training.plateau", {"factor": 1}, r"training\.plateau\.factor: "),
        ("training.minutes", 0, r"training\.minutes: "),
    ],
)
def test_a_bad_value_is_named(tmp_path, write_recipe, key, value, said):
    path = write_recipe(tmp_path / "bad.yaml", {key: value})
    with pytest.raises(RecipeError, match=rf"bad\.yaml: .*{said}") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [unclosed", "not valid YAML"),
        (b"\xff\xfe\x00", "not valid YAML"),
        (b"a: \x01", "not valid YAML"),
        (b"[" * 1500, "not valid YAML"),
        (b"seed: 2024-13-45", "not valid YAML"),
        (b"seed: " + b"9" * 5000, "not valid YAML"),
        (b"- a\n- list", "a recipe is a mapping"),
        (b"", "a recipe is a mapping"),
        (b"just text", "a recipe is a mapping"),
        (b"1: 2", "name: Field required"),
        (b"seed: 1\nname: a\nseed: 2", "a key twice"),
        (b"training: {epochs: 1, 'epochs': 2}", "a key twice"),
        (b"#" * (2**20 + 1), "larger than 1 MiB"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else value,
)
def test_what_is_no_recipe_is_refused(tmp_path, content, said):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=rf"bad\.yaml: .*{said}") as caught:
        read_recipe(path)
    assert "\n" not in str(caught.value)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    "text", [BOMB, MERGED, "a: &a [*a]", "name: &n tiny\nversion: *n"], ids=lambda t: t[:20]
)
def test_aliases_are_refused_before_they_grow(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    started = time.monotonic()
    with pytest.raises(RecipeError, match=r"bad\.yaml: .*aliases"):
        read_recipe(path)
    assert time.monotonic() - started < 5


def test_what_only_the_card_says_is_no_part_of_the_training(tmp_path, write_recipe):
    def part(**changes):
        changes = {key.replace("__", "."): value for key, value in changes.items()}
        return read_recipe(write_recipe(tmp_path / "r.yaml", changes)).training_part()

    plain = part()
    for told in (
        {"name": "other"},
        {"version": "9"},
        {"positive_class": "ABNORMAL"},
        {"positive_sensitivity": 0.5},
        {"sources__0__population": "others"},
        {"sources__0__ages": [1, 5]},
        {"sources__0__boxes": "boxes.csv"},
        {"reads": "axial chest CT slice"},
        {"not_for": ["for triage"]},
    ):
        assert part(**told) == plain
    for trained in (
        {"seed": 8},
        {"classes": ["ABNORMAL", "NORMAL", "PNEUMONIA"]},
        {"split__seed": 4},
        {"input__clahe_clip": None},
        {"sources__0__folder": "elsewhere"},
        {"sources__0__patient_column": "paper"},
        {"sources__0__subset": {"view": "PA"}},
        {"sources__0__absent_class_loss": "as_negative"},
        {"training__l1": 0},
        {"augmentation": {"shift": 0}},
        {"initial_weights": "x.ckpt"},
    ):
        assert part(**trained) != plain


@pytest.mark.parametrize("tag", ["object/apply:os.mkdir", "object/new:os.mkdir", "name:os.mkdir"])
def test_yaml_never_runs_python(tmp_path, tag):
    path, made = tmp_path / "bad.yaml", tmp_path / "made"
    path.write_text(f"name: !!python/{tag} [{made}]")
    with pytest.raises(RecipeError, match="not valid YAML"):
        read_recipe(path)
    assert not made.exists()


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_what_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(RecipeError, match=r"cannot be read.*give a YAML file"):
        read_recipe(tmp_path / name)


def test_sources_lie_beside_the_recipe_or_where_the_variable_says(
    tmp_path, write_recipe, monkeypatch
):
    path = write_recipe(tmp_path / "r.yaml", {"sources.0.folder": "set"})
    source = read_recipe(path).sources[0]
    for folder in (tmp_path / "set", tmp_path / "elsewhere" / "set"):
        folder.mkdir(parents=True)
    monkeypatch.delenv("PNEUMOSCOPE_DATA", raising=False)
    assert source_folder(path, source) == tmp_path / "set"
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path / "elsewhere"))
    assert source_folder(path, source) == tmp_path / "elsewhere" / "set"


def test_a_default_that_is_written_out_changes_no_checksum(tmp_path, write_recipe):
    plain, written = (
        read_recipe(write_recipe(tmp_path / "r.yaml", changes)).training_part()
        for changes in (
            {},
            {
                "training.label_smoothing": 0.0,
                "training.devices": 1,
                "sources.0.patient_column": "patient_id",
                "sources.0.subset": {},
            },
        )
    )
    assert plain == written
    # Runs of older versions, whose recipes had no such keys, keep their checksum.
    assert not {"patient_column", "subset"} & set(plain["sources"][0])


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 3), (2, 2), (3, 2)])
def test_a_batch_that_devices_cannot_share_is_refused(tmp_path, write_recipe, batch_size, devices):
    changes = {"training.batch_size": batch_size, "training.devices": devices}
    with pytest.raises(
        RecipeError, match=rf"batch_size {batch_size} cannot be shared by {devices}"
    ):
        read_recipe(write_recipe(tmp_path / "r.yaml", changes))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("training.class_weights", {"NORMAL": 1}, "must name every class"),
        ("training.class_weights", {"NORMAL": 1, "ABNORMAL": 0, "PNEUMONIA": 1}, "class_weights"),
        ("training.class_weights", "equal", "class_weights"),
        ("training.label_smoothing", 1, "label_smoothing"),
        ("training.label_smoothing", -0.1, "label_smoothing"),
        ("training.ema_decay", 1, "ema_decay"),
        ("training.ema_decay", float("nan"), "ema_decay"),
        ("training.sampling", "at_random", "sampling"),
        ("training.sampling", "every_image", "leave samples_per_epoch out"),
        ("training.keep", "first", "keep"),
        ("training.devices", 0, "devices"),
    ],
)
def test_impossible_values_of_the_training_are_named(tmp_path, write_recipe, key, value, named):
    with pytest.raises(RecipeError, match=named) as caught:
        read_recipe(write_recipe(tmp_path / "r.yaml", {key: value}))
    assert "\n" not in str(caught.value)
