"""`pneumoscope diagnose` on input that can be read."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from pneumoscope import diagnose
from pneumoscope.bundles import Bundle
from pneumoscope.documents import schema
from pneumoscope.findings import NOTICE
from pneumoscope.reports import overlay_png
from pneumoscope.reports.answer import headline

SCHEMA = schema("diagnosis")
IDENTIFYING = ("Quuxley", "Zebedee", "9876543", "19510203", "1951-02-03", "Wombat", "Nowhere")
Cli = Callable[..., Any]
Options = Callable[[dict[str, Any]], list[str]]


def check_schema(document: object) -> None:
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


def readable(page: str) -> str:
    """The page's text, without its style and its picture."""
    return re.sub(r"(?s)<style>.*?</style>|data:image[^\"]*|<[^>]*>", " ", page)


def test_json_on_stdout_is_one_valid_document(
    cli: Cli, picture: Path, bundle: str, all_symptoms: dict[str, float], options: Options
) -> None:
    ended = cli(
        "diagnose", picture, "--bundle", bundle, "--json", "-", *options(all_symptoms), "--age", 50
    )
    assert ended.code == 0
    document = ended.json()
    check_schema(document)
    assert document["predicted"] == "PNEUMONIA"
    assert sum(document["probabilities"].values()) == pytest.approx(1)
    assert document["symptoms"] == all_symptoms
    assert document["patient"] == {"age": 50, "sex": None}
    assert document["notice"] == NOTICE


def test_a_bundle_with_age_groups_says_which_it_used(
    cli: Cli, picture: Path, grouped_bundle: Bundle
) -> None:
    start = ("diagnose", picture, "--bundle", grouped_bundle.folder, "--json", "-")
    child, unknown = (cli(*start, *more).json() for more in (("--age", 5), ()))
    for document in (child, unknown):
        check_schema(document)
        assert document["heatmap"]["method"] == "evidence"
        assert document["grad_cam"]["class"] == document["predicted"]
        assert document["prediction_set"]["coverage"] == 0.9
        assert [point["purpose"] for point in document["operating_points"]] == [
            "rule_out",
            "rule_in",
        ]
    assert child["age_group"] == {"name": "children", "chosen_by": "age", "probability": None}
    assert child["heatmap"]["why_not_outlined"] == "nobody drew boxes for children"
    assert unknown["age_group"]["chosen_by"] == "image"
    (told,) = [line for line in unknown["warnings"] if line["code"] == "age_assumed"]
    assert told["values"]["group"] == unknown["age_group"]["name"]
    assert "Give the age" in told["text"]


def test_json_without_symptoms_has_no_severity(cli: Cli, picture: Path, bundle: str) -> None:
    document = cli("diagnose", picture, "--bundle", bundle, "--json", "-").json()
    check_schema(document)
    assert document["severity"] is None
    assert document["symptoms"] == {}


def test_every_form_of_output_says_the_same_and_carries_the_notice(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path
) -> None:
    forms = {name: tmp_path / name for name in ("a.json", "a.png", "a.html")}
    ended = cli(
        *("diagnose", picture, "--bundle", bundle, "--json", forms["a.json"]),
        *("--overlay", forms["a.png"], "--report", forms["a.html"]),
    )
    assert ended.code == 0
    assert all(f"Written: {path}" in ended.out for path in forms.values())
    document = json.loads(forms["a.json"].read_text("utf-8"))
    page = readable(forms["a.html"].read_text("utf-8"))
    probability = f"{document['probabilities']['PNEUMONIA']:.3f}"
    for text in (ended.out, page):
        assert NOTICE in " ".join(text.replace("│", " ").split())
        assert probability in text
    # A picture's words cannot be read back: it is the one drawn with the notice, and not without.
    diagnosis = diagnose(picture, bundle=bundle)
    result = headline(diagnosis)
    assert result.line in " ".join(ended.out.split())
    assert result.call in page
    assert result.detail in page
    assert forms["a.png"].read_bytes() == overlay_png(diagnosis)
    assert forms["a.png"].read_bytes() != overlay_png(replace(diagnosis, notice="Short."))


def test_terminal_and_page_say_as_which_age_group_and_what_the_map_is(
    cli: Cli, picture: Path, grouped_bundle: Bundle, tmp_path: Path
) -> None:
    report = tmp_path / "a.html"
    ended = cli(
        *("diagnose", picture, "--bundle", grouped_bundle.folder, "--age", 5, "--report", report)
    )
    for text in (ended.out, html.unescape(readable(report.read_text("utf-8")))):
        told = " ".join(text.split())
        assert "child (age 5)" in told
        assert "At 90% coverage the image fits" in told
        assert "Evidence map of PNEUMONIA" in told
        assert "Nothing is outlined: nobody drew boxes for children." in told
    assert report.read_text("utf-8").count("<img ") == 2


def test_nothing_but_the_targets_is_left_in_their_folder(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    cli(
        "diagnose", picture, "--bundle", bundle, "--json", out / "a.json", "--report", out / "b.HTM"
    )
    assert sorted(path.name for path in out.iterdir()) == ["a.json", "b.HTM"]


def test_json_is_the_same_on_stdout_and_in_a_file(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path
) -> None:
    target = tmp_path / "a.json"
    cli("diagnose", picture, "--bundle", bundle, "--json", target)
    ended = cli("diagnose", picture, "--bundle", bundle, "--json", "-")
    one, other = (
        re.sub(r'"created": .*', "", text) for text in (ended.out, target.read_text("utf-8"))
    )
    assert one == other


def test_order_and_source_of_the_symptoms_do_not_matter(
    cli: Cli,
    picture: Path,
    bundle: str,
    all_symptoms: dict[str, float],
    options: Options,
    tmp_path: Path,
) -> None:
    shuffled = list(all_symptoms.items())
    shuffled.reverse()
    assert shuffled != list(all_symptoms.items())
    half = tmp_path / "half.json"
    half.write_text(json.dumps(dict(shuffled[:5])), "utf-8")
    start = ("diagnose", picture, "--bundle", bundle, "--json", "-", "--age", 50)
    answers = [
        cli(*start, *options(all_symptoms)).json(),
        cli(*start, *options(dict(shuffled))).json(),
        cli(*start, "--symptoms", half, *options(dict(shuffled[5:]))).json(),
    ]
    for answer in answers:
        assert answer["provenance"].pop("created")
    assert answers[0]["severity"] is not None
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Modality": "CT"}, "modality"),
        ({"Modality": "MG"}, "modality"),
        ({"BodyPartExamined": "SKULL"}, "body_part"),
        ({"ViewPosition": "LL"}, "lateral_view"),
    ],
)
def test_abstention_shows_no_probability_in_any_form(
    cli: Cli,
    dicom: Callable[..., Path],
    bundle: str,
    tmp_path: Path,
    fields: dict[str, str],
    code: str,
) -> None:
    report, target = tmp_path / "a.html", tmp_path / "a.json"
    start = ("diagnose", dicom(**fields), "--bundle", bundle)
    ended = cli(*start, "--report", report, "--json", target, "--overlay", tmp_path / "a.png")
    assert ended.code == 0
    document = json.loads(target.read_text("utf-8"))
    check_schema(document)
    assert document["abstained"]["code"] == code
    for key in ("age_group", "probabilities", "predicted", "operating_points", "zone", "heatmap"):
        assert document[key] is None
    for text in (ended.out, readable(report.read_text("utf-8"))):
        assert document["abstained"]["text"] in " ".join(text.split())
        assert not re.search(r"\b[01]\.\d\d", text)
        assert not re.search(r"PNEUMONIA|ABNORMAL", text)


def test_abstention_still_rates_the_symptoms_and_says_so(
    cli: Cli,
    dicom: Callable[..., Path],
    bundle: str,
    all_symptoms: dict[str, float],
    options: Options,
) -> None:
    ended = cli(
        *("diagnose", dicom(ViewPosition="LL"), "--bundle", bundle, "--json", "-"),
        *options(all_symptoms),
    )
    document = ended.json()
    check_schema(document)
    assert document["abstained"]["code"] == "lateral_view"
    assert document["severity"]["adjusted"] == document["severity"]["scores"]
    assert "image_not_read" in [warning["code"] for warning in document["warnings"]]


def test_identity_is_named_nowhere_unless_asked_for(
    cli: Cli, dicom: Callable[..., Path], bundle: str, tmp_path: Path
) -> None:
    image, report = dicom(), tmp_path / "a.html"
    start = ("-v", "diagnose", image, "--bundle", bundle, "--report", report)
    texts = []
    for more in ((), ("--json", "-")):
        ended = cli(*start, *more)
        assert ended.code == 0
        texts += [ended.out, ended.err, report.read_text("utf-8")]
    for word in IDENTIFYING:
        assert not any(word in text for text in texts)
    document = json.loads(ended.out)
    assert document["image"]["identity"] is None
    assert document["image"]["sop_instance_uid"].startswith("2.25.")


def test_identity_is_named_when_asked_for(
    cli: Cli, dicom: Callable[..., Path], bundle: str, tmp_path: Path
) -> None:
    report = tmp_path / "a.html"
    start = ("diagnose", dicom(), "--bundle", bundle, "--with-identity")
    document = cli(*start, "--json", "-", "--report", report).json()
    check_schema(document)
    assert document["image"]["identity"] == {
        "name": "Quuxley^Zebedee",
        "patient_id": "MRN-9876543",
        "birth_date": "19510203",
    }
    assert "MRN-9876543" in report.read_text("utf-8")
    # A terminal is seen by others and scrolls back: never there.
    told = cli(*start)
    assert told.code == 0
    assert not any(word in told.out + told.err for word in IDENTIFYING)


def test_the_help_says_where_the_symptoms_stand(cli: Cli) -> None:
    assert "pneumoscope severity --help" in cli("diagnose", "--help").out
    assert "oxygen_level" in cli("severity", "--help").out


@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
@pytest.mark.parametrize("spoil", ["pixels", "age", "cut"])
def test_identity_stays_out_of_the_errors_of_a_broken_object(
    cli: Cli, dicom: Callable[..., Path], bundle: str, spoil: str
) -> None:
    if spoil == "pixels":
        image = dicom(PixelData=b"\0" * 100)
    elif spoil == "age":
        image = dicom(PatientAge="MRN-9876543", WindowCenter=None)
    else:
        image = dicom()
        image.write_bytes(image.read_bytes()[:-4000])
    ended = cli("-v", "diagnose", image, "--bundle", bundle, "--json", "-")
    assert ended.code == (0 if spoil == "age" else 2)
    for word in IDENTIFYING:
        assert word not in ended.out + ended.err


@pytest.mark.parametrize(
    "name", ["thorax über ß.png", "two  words.png", "胸部 X線.png", "[red].png"]
)
def test_unusual_file_names(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path, name: str
) -> None:
    image, target = tmp_path / name, tmp_path / f"{name}.json"
    picture.rename(image)
    ended = cli("diagnose", image, "--bundle", bundle, "--json", target)
    assert ended.code == 0
    assert json.loads(target.read_text("utf-8"))["image"]["file"] == " ".join(name.split())
    assert f"Written: {target}" in ended.out


def test_a_file_name_that_looks_like_an_option(
    cli: Cli, picture: Path, bundle: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    picture.rename(tmp_path / "-v.png")
    ended = cli("diagnose", "--bundle", bundle, "--json", "-", "--", "-v.png")
    assert ended.json()["image"]["file"] == "-v.png"


def test_the_bundle_is_found_by_its_name(
    cli: Cli, picture: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMOSCOPE_HOME", str(tiny_bundle.folder.parents[1]))
    document = cli("diagnose", picture, "--bundle", "tiny", "--json", "-").json()
    assert document["bundle"]["sha256"] == tiny_bundle.sha256


def test_another_patient_than_the_header_names_is_told(
    cli: Cli, dicom: Callable[..., Path], bundle: str
) -> None:
    image = dicom(PatientAge="060Y", PatientSex="F")
    start = ("diagnose", image, "--bundle", bundle, "--json", "-")
    same = cli(*start, "--age", 60.5, "--sex", "F").json()
    other = cli(*start, "--age", 33, "--sex", "M").json()
    codes = [[warning["code"] for warning in each["warnings"]] for each in (same, other)]
    assert {"age_differs", "sex_differs"} <= set(codes[1])
    assert not {"age_differs", "sex_differs"} & set(codes[0])
    assert other["patient"] == {"age": 33, "sex": "M"}


def test_overlay_is_a_picture_of_the_radiograph(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path
) -> None:
    target = tmp_path / "a.png"
    cli("diagnose", picture, "--bundle", bundle, "--overlay", target)
    drawn = Image.open(io.BytesIO(target.read_bytes()))
    drawn.load()
    assert drawn.mode == "RGB"
    # The image is portrait, and a strip of text is below it.
    assert drawn.height > drawn.width >= 400
    assert np.asarray(drawn).std() > 0


def test_what_runs_the_network_is_told(cli: Cli, picture: Path, bundle: str) -> None:
    start = ("diagnose", picture, "--bundle", bundle, "--json", "-", "--threads", 1)
    ran = cli(*start, "--engine", "onnxruntime", "--precision", "fp32").json()["provenance"]
    assert ran["engine"].items() >= {"name": "onnxruntime", "precision": "fp32"}.items()
    assert ran["engine"]["threads"] == 1
    for option in ("--engine", "--precision"):
        ended = cli(*start, option, "none")
        assert (ended.code, ended.err.count("\n"), ended.out) == (2, 1, "")
