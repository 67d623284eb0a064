"""Every wrong thing that ``bundle.json`` can say is refused, and named in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.bundles import Bundle, read_bundle
from pneumoscope.errors import BundleError
from pneumoscope.findings import ImageKind, InputSpec, OperatingPoint

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


WRONG = {
    "schema version of tomorrow": (put("schema_version", value=2), "schema_version"),
    "no schema version": (lambda whole: whole.pop("schema_version"), "schema_version"),
    "unknown key": (put("surprise", value=1), "surprise"),
    "unknown inner key": (put("input", "mean", value=0.5), "input.mean"),
    "missing section": (lambda whole: whole.pop("calibration"), "calibration"),
    "name with a slash": (put("name", value="../tiny"), "name"),
    "name with a line end": (put("name", value="tiny\n"), "name"),
    "name in Cyrillic": (put("name", value="t\u0456ny"), "name"),
    "one class": (put("classes", value=["PNEUMONIA"]), "classes"),
    "class twice": (put("classes", value=["PNEUMONIA", "A", "A"]), "twice"),
    "class in lower case": (put("classes", 0, value="normal"), "classes.0"),
    "foreign operating point": (put("operating_point", "label", value="OTHER"), "not a class"),
    "threshold above 1": (put("operating_point", "threshold", value=1.1), "threshold"),
    "threshold NaN": (put("operating_point", "threshold", value=float("nan")), "threshold"),
    "temperature 0": (put("calibration", "temperature", value=0), "temperature"),
    "temperature NaN": (put("calibration", "temperature", value=float("nan")), "temperature"),
    "temperature infinite": (put("calibration", "temperature", value=float("inf")), "temperature"),
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
    "unicode line end": (put("operating_point", "rule", value="a\u2028b"), "rule"),
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
    folder = redescribed(put("operating_point", value=None))
    assert read_bundle(folder).description.operating_point is None


def test_sections_become_values_of_findings(tiny_bundle: Bundle, description: Whole) -> None:
    said = tiny_bundle.description
    assert said.input.spec() == InputSpec(**description["input"])
    assert said.operating_point is not None
    assert said.operating_point.point() == OperatingPoint(**description["operating_point"])
