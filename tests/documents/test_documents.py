"""Documents: read back as they were, as their schema says, and safe with foreign text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from pneumoscope.documents import (
    DOCUMENTS,
    dump,
    parse_document,
    read_document,
    schema,
    to_course_document,
    to_document,
    to_severity_document,
)
from pneumoscope.errors import DocumentError
from pneumoscope.findings import (
    NOTICE,
    About,
    EngineInfo,
    Heatmap,
    Message,
    OperatingPoint,
    PatientContext,
    PatientIdentity,
    Provenance,
    Purpose,
    Visit,
)
from pneumoscope.severity import SYMPTOMS, assess
from pneumoscope.workflow import track_visits

IDENTITY = PatientIdentity("Doe^Jane", "MRN-1", "19700102")
POINTS = (
    OperatingPoint(Purpose.RULE_OUT, "PNEUMONIA", 0.2, "made up"),
    OperatingPoint(Purpose.RULE_IN, "PNEUMONIA", 0.6, "made up", (0.5, 0.4, 0.6), (0.9, 0.8, 1)),
)
MADE = Provenance(
    "9.9.9",
    datetime(2026, 3, 1, 9, 30, 12, 345678, timezone(timedelta(hours=2))),
    EngineInfo("runtime", "1.2", "fp32", 2),
    "guideline@abc",
    "f" * 64,
    "e" * 64,
)
VALIDATORS = {name: Draft202012Validator(schema(name)) for name in DOCUMENTS}
START = datetime(2026, 3, 1, tzinfo=UTC)


def check(document) -> dict[str, object]:
    """Every property of a document, in one place."""
    values = document.json_values()
    VALIDATORS[document.document].validate(values)
    assert list(values) == list(schema(document.document)["properties"])
    assert values["notice"] == NOTICE
    again = parse_document(json.loads(dump(values)))
    assert again == document
    assert again.json_values() == values
    return values


def course(rule_base: str):
    """Visits at which oxygen falls; at the first nothing else was found."""
    visits = [Visit(START, {"oxygen_level": 97.0})]
    for day, oxygen in enumerate((95.0, 92.0, 90.0, 88.0, 85.0), 1):
        symptoms = {name: part.minimum for name, part in SYMPTOMS.items()}
        symptoms |= {"fever_value": 38.0, "oxygen_level": oxygen}
        answered = {"NORMAL": 0.4, "PNEUMONIA": 0.6}
        visits.append(Visit(START + timedelta(days=day), symptoms, answered))
    return track_visits(visits, patient=PatientContext(60, "M"), rule_base=rule_base)


def test_every_variant_of_a_diagnosis_is_read_back_as_it_was(diagnosis):
    document = to_document(diagnosis)
    check(document)
    assert document.decision == diagnosis.decision
    assert document.severity == diagnosis.severity
    assert document.warnings == diagnosis.warnings


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_a_severity_alone_is_read_back_as_it_was(make, rule_base):
    given = make(ill=True, rule_base=rule_base)
    document = to_severity_document(
        given.severity,
        symptoms=given.symptoms,
        patient=given.patient,
        warnings=(Message("level_jumps", About.SEVERITY, {"rule_base": rule_base}),),
        provenance=MADE,
    )
    values = check(document)
    assert values["severity"] == to_document(given).json_values()["severity"]
    assert document.severity == given.severity


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_a_course_is_read_back_as_it_was(rule_base):
    followed = course(rule_base)
    document = to_course_document(followed, MADE)
    values = check(document)
    assert document.change == followed.visits[-1].change
    assert document.bounds == followed.bounds
    for told, tracked in zip(document.visits, followed.visits, strict=True):
        assert (told.levels is None) == (tracked.note is not None)
        assert told.level == tracked.level
    assert bool(values["visits"][0]["note"]) == (rule_base == "baral2025")


@given(
    st.dictionaries(st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False)),
    st.text(),
    st.floats(0, 130),
)
def test_whatever_was_given_is_read_back(symptoms, rule, age):
    severity = replace(assess({"oxygen_level": 90}, patient=PatientContext(60)), rule_base=rule)
    document = to_severity_document(
        severity, symptoms=symptoms, patient=PatientContext(age), provenance=Provenance(rule)
    )
    assert parse_document(json.loads(dump(document.json_values()))) == document


def test_the_time_is_in_utc_to_the_second(make):
    values = to_document(make(provenance=MADE)).json_values()
    assert values["provenance"]["created"] == "2026-03-01T07:30:12+00:00"


def test_probabilities_are_not_rounded_and_numpys_numbers_are_plain(make):
    given = make(pneumonia=0.123456789012345, symptoms={"fatigue": np.float32(0.5)})
    values = json.loads(dump(to_document(given).json_values()))
    assert values["probabilities"] == dict(given.decision.probabilities)
    assert values["symptoms"] == {"fatigue": 0.5}


def test_what_follows_from_the_probabilities_is_told(make):
    points = POINTS[:1], POINTS, ()
    given = make(pneumonia=0.3)
    for mine, zone in zip(points, ("indeterminate", "indeterminate", None), strict=True):
        decision = replace(
            given.decision,
            operating_points=mine,
            view="AP",
            prediction_set=(given.decision.predicted, "PNEUMONIA"),
            coverage=0.8,
        )
        values = check(to_document(replace(given, decision=decision)))
        assert values["zone"] == zone
        reached = [point["reached"] for point in values["operating_points"]]
        assert reached == [True, False][: len(mine)]
        assert values["view"] == "AP"
        classes = [given.decision.predicted, "PNEUMONIA"]
        assert values["prediction_set"] == {"coverage": 0.8, "classes": classes}
    rated = to_document(replace(given, decision=replace(given.decision, operating_points=POINTS)))
    low, high = rated.json_values()["operating_points"]
    assert low["sensitivity"] is None
    assert high["specificity"] == {"value": 0.9, "ci95": [0.8, 1]}


def test_a_map_is_told_without_its_pixels(make):
    given = make()
    values = given.heatmap.values / 2
    evidence = Heatmap(
        values,
        np.zeros(values.shape, np.bool_),
        0.0,
        (),
        "PNEUMONIA",
        method="evidence",
        outlined=False,
        why_not_outlined="too faint",
        lung_share=0.75,
    )
    told = check(to_document(replace(given, heatmap=evidence, grad_cam=given.heatmap)))
    assert told["heatmap"] == {
        "method": "evidence",
        "class": "PNEUMONIA",
        "outlined": False,
        "why_not_outlined": "too faint",
        "highest": pytest.approx(float(values.max())),
        "lung_share": 0.75,
        "mask_fraction": 0,
        "contours": [],
    }
    contours = told["grad_cam"]["contours"]
    for found, drawn in zip(contours, given.heatmap.contours, strict=True):
        np.testing.assert_allclose(found, drawn, atol=0.5e-4)
        assert all(value == round(value, 4) for point in found for value in point)


def test_identity_is_only_there_when_asked_for(make):
    without = dump(to_document(make(dicom=True)).json_values())
    assert "MRN-1" not in without
    assert json.loads(without)["image"]["identity"] is None
    assert to_document(make(identity=IDENTITY)).image.identity == IDENTITY


def test_header_fields_are_null_when_empty_or_without_dicom(make):
    image = to_document(make(dicom=True)).image
    assert (image.modality, image.view_position) == ("DX", None)
    assert to_document(make()).image.sop_instance_uid is None


def test_a_file_name_that_is_no_unicode_can_be_written(make):
    document = to_document(make(name="lung\udc80é\x1b.png"))
    text = dump(check(document))
    assert json.loads(text.encode("utf-8"))["image"]["file"] == "lung\\udc80é\x1b.png"


def test_as_json_a_message_keeps_its_numbers_and_says_its_sentence(make):
    ages = {"given": 33, "header": 60.5}
    document = to_document(make(warnings=(Message("age_differs", About.PATIENT, ages),)))
    (values,) = document.json_values()["warnings"]
    assert values["values"] == {"given": 33, "header": 60.5}
    assert (values["code"], values["about"]) == ("age_differs", "patient")
    assert "(33)" in values["text"]


def test_a_message_of_a_later_version_is_shown_as_it_was_written(make):
    values = to_document(make()).json_values()
    later = {"code": "of_tomorrow", "about": "image", "values": {"n": 3}, "text": "Said {later}."}
    values["warnings"] = [later]
    (message,) = parse_document(values).json_values()["warnings"]
    assert message["text"] == "Said {later}."
    assert message["about"] == "image"


def test_a_field_of_a_later_version_is_passed_over(make):
    document = to_document(make(ill=True))
    values = document.json_values()
    for part in (values, values["bundle"], values["image"], values["severity"]):
        part["of_tomorrow"] = {"any": "thing"}
    VALIDATORS["diagnosis"].validate(values)
    assert parse_document(values) == document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("document",), "fax"),
        (("notice",), ""),
        (("schema_version",), 1),
        (("age_group", "chosen_by"), "guess"),
        (("operating_points", 0, "purpose"), "screen"),
        (("operating_points", 0, "sensitivity"), 0.9),
        (("zone",), "unclear"),
        (("prediction_set",), {"coverage": 1, "classes": "PNEUMONIA"}),
        (("heatmap", "method"), "guess"),
        (("grad_cam",), {}),
        (("probabilities", "PNEUMONIA"), 1.2),
        (("heatmap", "contours", 0, 0), [0.1]),
        (("severity", "level"), "grave"),
        (("bundle", "sha256"), None),
        (("provenance", "rule_base"), 3),
        (("patient", "age"), True),
        (("patient", "age"), "54"),
    ],
)
def test_a_broken_diagnosis_fits_neither_schema_nor_type(make, path, value):
    values = to_document(make(ill=True, identity=IDENTITY)).json_values()
    target = values
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(ValidationError):
        VALIDATORS["diagnosis"].validate(values)
    with pytest.raises(DocumentError) as caught:
        parse_document(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"predicted": None},
        {"abstained": {"code": "localizer", "about": "image", "values": {}, "text": "Scout."}},
        {"heatmap": None},
        {"zone": "negative"},
        {"probabilities": {"NORMAL": 0.9, "PNEUMONIA": 0.9}},
        {"patient": {"age": 300, "sex": "M"}},
    ],
)
def test_parts_that_do_not_go_together_are_refused(make, changes):
    with pytest.raises(DocumentError, match="no diagnosis of this version"):
        parse_document(to_document(make()).json_values() | changes)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold_is_refused(make, value):
    values = to_document(make()).json_values()
    values["image"]["file"] = values["symptoms"]["x"] = value
    with pytest.raises(DocumentError, match="no diagnosis of this version"):
        parse_document(values)


def test_a_missing_key_fails(make):
    values = to_document(make(ill=True)).json_values()
    for name in values:
        broken = {key: value for key, value in values.items() if key != name}
        with pytest.raises(ValidationError):
            VALIDATORS["diagnosis"].validate(broken)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"document": []}', b"[" * 100_000, b"\xff"])
def test_a_file_that_is_no_document_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "r.json").write_bytes(text)
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "r.json")
    assert "r.json" in str(caught.value)
    assert "--json" in str(caught.value)
    with pytest.raises(DocumentError, match="no such file"):
        read_document(tmp_path / "none.json")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_property_of_a_schema_is_described_and_is_required(name):
    """Where a property has no words of its own, its type has them."""
    whole = schema(name)
    Draft202012Validator.check_schema(whole)

    def walk(part: object) -> None:
        if isinstance(part, list):
            for each in part:
                walk(each)
        if not isinstance(part, dict):
            return
        if "properties" in part:
            assert part["description"]
            assert part["required"] == list(part["properties"])
            assert part.get("additionalProperties", True)
            for field, child in part["properties"].items():
                assert child.get("description") or "$ref" in json.dumps(child), field
        for child in part.values():
            walk(child)

    walk(whole)
    assert "pass over" in whole["description"]


def test_dump_refuses_nan_and_ends_with_a_newline():
    with pytest.raises(ValueError, match="JSON"):
        dump({"value": float("nan")})
    assert dump({"é": 1}) == '{\n  "é": 1\n}\n'


def test_what_has_no_form_in_json_is_our_fault(make):
    with pytest.raises(TypeError, match="ndarray has no form"):
        to_severity_document(
            make(ill=True).severity,
            symptoms={},
            patient=PatientContext(),
            warnings=(Message("for_processing", About.IMAGE, {"x": np.zeros(2)}),),
            provenance=MADE,
        )


def test_a_document_costs_no_import_of_pictures_or_templates():
    code = (
        "import sys, pneumoscope.documents; "
        "sys.exit(any(m in sys.modules for m in ('PIL', 'jinja2', 'cv2', 'rich')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
