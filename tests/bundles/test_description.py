"""Every wrong thing that ``bundle.json`` can say is refused, and named in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.bundles import (
    CARD,
    GRAPH,
    LICENCE,
    TRAINING_IMAGES,
    Bundle,
    read_bundle,
    write_bundle,
)
from pneumoscope.errors import BundleError
from pneumoscope.findings import (
    AgeGroup,
    ImageKind,
    InputSpec,
    OperatingPoint,
    Profile,
    Purpose,
)

Whole = dict[str, Any]
Describe = Callable[[Callable[[Whole], object]], Path]


def put(*path: str | int, value: object) -> Callable[[Whole], None]:
    """Return a change that puts `value` at the end of a path of keys."""

    def change(whole: Whole) -> None:
        place: Any = whole
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


POINT = "profiles", 0, "operating_points", 0
CALIBRATION = "profiles", 0, "calibration"
WRONG = {
    "schema version of tomorrow": (put("schema_version", value=3), "schema_version"),
    "schema version of yesterday": (put("schema_version", value=1), "schema_version"),
    "no schema version": (lambda whole: whole.pop("schema_version"), "schema_version"),
    "unknown key": (put("surprise", value=1), "surprise"),
    "unknown inner key": (put("input", "mean", value=0.5), "input.mean"),
    "missing section": (lambda whole: whole.pop("profiles"), "profiles"),
    "name with a slash": (put("name", value="../tiny"), "name"),
    "name with a line end": (put("name", value="tiny\n"), "name"),
    "name in Cyrillic": (put("name", value="t\u0456ny"), "name"),
    "one class": (put("classes", value=["PNEUMONIA"]), "classes"),
    "class twice": (put("classes", value=["PNEUMONIA", "A", "A"]), "twice"),
    "class in lower case": (put("classes", 0, value="normal"), "classes.0"),
    "foreign operating point": (put(*POINT, "label", value="OTHER"), "not a class"),
    "threshold above 1": (put(*POINT, "threshold", value=1.1), "threshold"),
    "threshold NaN": (put(*POINT, "threshold", value=float("nan")), "threshold"),
    "unknown purpose": (put(*POINT, "purpose", value="screen"), "purpose"),
    "rate outside its interval": (put(*POINT, "sensitivity", value=[0.9, 0.95, 1]), "sensitivity"),
    "rate without an interval": (put(*POINT, "specificity", value=0.9), "specificity"),
    "temperature 0": (put(*CALIBRATION, "temperature", value=0), "temperature"),
    "temperature NaN": (put(*CALIBRATION, "temperature", value=float("nan")), "temperature"),
    "temperature infinite": (put(*CALIBRATION, "temperature", value=float("inf")), "temperature"),
    "bias NaN": (put(*CALIBRATION, "biases", "NORMAL", value=float("nan")), "biases"),
    "bias of another class": (put(*CALIBRATION, "biases", "OTHER", value=0), "biases"),
    "no age group": (put("age_groups", value=[]), "age_groups"),
    "no profile": (put("profiles", value=[]), "no profile of everyone"),
    "unknown view": (put("profiles", 0, "view", value="LL"), "view"),
    "no profile of any view": (put("profiles", 0, "view", value="AP"), "no profile of everyone"),
    "coverage 1": (
        put("profiles", 0, "prediction_set", value={"coverage": 1, "min_probability": 0.1}),
        "coverage",
    ),
    "input too large": (put("input", "size", value=5000), "5000"),
    "input of two channels": (put("input", "channels", value=2), "channels"),
    "clip limit 0": (put("input", "clahe_clip", value=0), "clip"),
    "no training set": (put("training_sets", value=[]), "training_sets"),
    "no images": (put("training_sets", 0, "images", value=0), "images"),
    "ages in the wrong order": (put("training_sets", 0, "ages", value=[5, 1]), "youngest"),
    "age below 0": (put("training_sets", 0, "ages", value=[-1, 5]), "ages"),
    "age NaN": (put("training_sets", 0, "ages", value=[0, float("nan")]), "ages"),
    "citation of two lines": (put("training_sets", 0, "citation", value="a\nb"), "citation"),
    "empty licence": (put("training_sets", 0, "licence", value="  "), "licence"),
    "licence of two lines": (put("training_sets", 0, "licence", value="a\nb"), "licence"),
    "other images": (put("reads", value="abdominal ultrasound"), "reads"),
    "use of two lines": (put("not_for", value=["a\nb"]), "not_for.0"),
    "terminal escape": (put("training_sets", 0, "name", value="\x1b[2J"), "training_sets.0.name"),
    "unicode line end": (put(*POINT, "rule", value="a\u2028b"), "rule"),
    "split checksum": (put("split_sha256", value="0" * 63), "split_sha256"),
    "upper-case checksum": (put("files", "card.md", "sha256", value="A" * 64), "sha256"),
    "negative size": (put("files", "card.md", "bytes", value=-1), "bytes"),
    "gigantic size": (put("files", "card.md", "bytes", value=2**40), "bytes"),
    "one file too many": (
        lambda whole: whole["files"].update({"../../x": whole["files"]["card.md"]}),
        "files must be exactly",
    ),
    "one file too few": (lambda whole: whole["files"].pop("card.md"), "files must be exactly"),
}


@pytest.mark.parametrize(("change", "named"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_description_is_refused(
    redescribed: Describe, change: Callable[[Whole], object], named: str
) -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(redescribed(change))
    message = str(caught.value)
    assert named in message.partition("bundle.json: ")[2]
    assert message.isprintable()


@pytest.mark.parametrize("key", ["a\nb\x1b[31m", "x" * 10_000, "\u202e\u2028"])
def test_an_unknown_key_cannot_break_or_flood_the_message(redescribed: Describe, key: str) -> None:
    folder = redescribed(put(key, value=1))
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400 + len(str(folder))


def test_text_is_kept_without_the_space_round_it(redescribed: Describe) -> None:
    folder = redescribed(put("training_sets", 0, "population", value=" \u00e9l\u00e8ves\n"))
    assert read_bundle(folder).description.training_sets[0].population == "\u00e9l\u00e8ves"


def test_a_set_may_say_where_it_comes_from(redescribed: Describe, tiny_bundle: Bundle) -> None:
    assert tiny_bundle.description.training_sets[0].citation is None
    folder = redescribed(put("training_sets", 0, "citation", value="Nobody 2020"))
    assert read_bundle(folder).description.training_sets[0].citation == "Nobody 2020"


def test_a_bundle_reads_radiographs_unless_it_says_otherwise(
    redescribed: Describe, tiny_bundle: Bundle
) -> None:
    folder = redescribed(lambda whole: [whole.pop(key) for key in ("reads", "not_for")])
    bare = read_bundle(folder)
    assert bare.description.reads is bare.identity.reads is ImageKind.CHEST_RADIOGRAPH
    assert bare.description.not_for == ()
    folder = redescribed(put("reads", value="axial chest CT slice"))
    assert read_bundle(folder).identity.reads is ImageKind.CHEST_CT


def test_no_operating_point_is_allowed(redescribed: Describe) -> None:
    folder = redescribed(put("profiles", 0, "operating_points", value=[]))
    assert read_bundle(folder).description.profiles[0].profile().operating_points == ()


def test_sections_become_values_of_findings(grouped_bundle: Bundle) -> None:
    said = grouped_bundle.description
    assert said.input.spec() == InputSpec(64, None, 8, 3)
    assert said.groups() == (AgeGroup("children", 0, 13), AgeGroup("adults", 13))
    rule_out = OperatingPoint(
        Purpose.RULE_OUT, "PNEUMONIA", 0.1, "made up", sensitivity=(0.95, 0.9, 0.98)
    )
    rule_in = OperatingPoint(
        Purpose.RULE_IN, "PNEUMONIA", 0.6, "made up", sensitivity=(0.8, 0.7, 0.85)
    )
    assert said.profiles[0].profile() == Profile(
        age_group="children",
        classes=("NORMAL", "PNEUMONIA"),
        temperature=1.0,
        biases={"NORMAL": 0.25, "PNEUMONIA": -0.5},
        operating_points=(rule_out, rule_in),
        coverage=0.9,
        min_probability=0.3,
    )
    assert [profile.profile().view for profile in said.profiles] == ["", "", "AP"]


def test_a_description_with_every_section_is_written_and_read_back(
    grouped_bundle: Bundle, tmp_path: Path
) -> None:
    whole = json.loads((grouped_bundle.folder / "bundle.json").read_text("utf-8"))
    names = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)
    contents = {name: (grouped_bundle.folder / name).read_bytes() for name in names}
    del whole["files"]
    again = write_bundle(tmp_path / "again", whole, contents)
    assert again.description == grouped_bundle.description
    assert again.sha256 == grouped_bundle.sha256


GROUPED_WRONG = {
    "a gap": (put("age_groups", 1, "from_age", value=14), "gap or an overlap"),
    "an overlap": (put("age_groups", 0, "to_age", value=14), "gap or an overlap"),
    "no newborns": (put("age_groups", 0, "from_age", value=1), "from 0 to every age"),
    "an end": (put("age_groups", 1, "to_age", value=120), "from 0 to every age"),
    "the oldest first": (lambda whole: whole["age_groups"].reverse(), "from 0 to every age"),
    "one name twice": (put("age_groups", 1, "name", value="children"), "listed twice"),
    "an empty range": (put("age_groups", 0, "to_age", value=0), "rise"),
    "a profile of nobody": (put("profiles", 2, "age_group", value="elders"), "not listed"),
    "a profile twice": (put("profiles", 2, "view", value=None), "same age group and view"),
    "adults without a profile": (lambda whole: whole["profiles"].pop(1), "no profile of adults"),
    "a class that was not taught": (
        lambda whole: [
            point.update(label="ABNORMAL") for point in whole["profiles"][0]["operating_points"]
        ],
        "not a class",
    ),
    "points of two classes": (
        put("profiles", 1, "operating_points", 0, "label", value="ABNORMAL"),
        "different classes",
    ),
    "a class of no bundle": (
        lambda whole: whole["profiles"][0].update(
            classes=["NORMAL", "PNEUMONIA", "FLU"],
            calibration={
                "temperature": 1,
                "biases": dict.fromkeys(["NORMAL", "PNEUMONIA", "FLU"], 0),
            },
        ),
        "none of the bundle's",
    ),
    "rule-in below rule-out": (
        put("profiles", 1, "operating_points", 1, "threshold", value=0.05),
        "below the rule-out",
    ),
    "two points to rule out": (
        put("profiles", 1, "operating_points", 1, "purpose", value="rule_out"),
        "same purpose",
    ),
    "evidence of no class": (put("evidence", "classes", value=[]), "evidence.classes"),
    "evidence of another class": (
        put("evidence", "classes", value=["PNEUMONIA", "FLU"]),
        "none of the bundle's",
    ),
    "another class shown": (put("evidence", "shown", value="NORMAL"), "class shown"),
    "floor 0": (put("evidence", "floor", value=0), "evidence.floor"),
    "outlined without a word": (put("evidence", "outlined_for", value=[]), "either in"),
    "outlined and not": (
        put("evidence", "outlined_for", value=["adults", "children"]),
        "either in",
    ),
    "outlined for nobody": (put("evidence", "outlined_for", value=["adults", "x"]), "either in"),
    "a limit too few": (lambda whole: whole["distance_limits"].pop("adults"), "distance_limits"),
    "a limit of nobody": (put("distance_limits", "elders", value=3), "distance_limits"),
    "limit 0": (put("distance_limits", "adults", value=0), "distance_limits"),
    "limit infinite": (put("distance_limits", "adults", value=float("inf")), "distance_limits"),
}


@pytest.mark.parametrize(("change", "named"), GROUPED_WRONG.values(), ids=GROUPED_WRONG.keys())
def test_sections_that_do_not_agree_are_refused(
    grouped_bundle: Bundle,
    tmp_path: Path,
    restate: Callable[[Path], object],
    change: Callable[[Whole], object],
    named: str,
) -> None:
    folder = Path(shutil.copytree(grouped_bundle.folder, tmp_path / "spoiled"))
    whole = json.loads((folder / "bundle.json").read_text("utf-8"))
    change(whole)
    (folder / "bundle.json").write_text(json.dumps(whole), encoding="utf-8")
    restate(folder)
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    message = str(caught.value)
    assert named in message.partition("bundle.json: ")[2]
    assert message.isprintable()
