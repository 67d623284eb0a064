"""A file of visits: what is read, and what is refused in one line that names the visit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pneumoscope.documents import schema
from pneumoscope.errors import VisitError
from pneumoscope.findings import PatientContext
from pneumoscope.tracking import read_visits

SCHEMA = schema("visits")
EXAMPLE = Path(__file__).parents[2] / "examples" / "visits.json"
FIRST = {"time": "2026-03-01T09:00:00+01:00", "symptoms": {"fever_value": 38.5}}
SECOND = {"time": "2026-03-02T09:00:00+01:00", "symptoms": {"fever_value": 38.0}}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(content: object) -> Path:
        path = tmp_path / "visits.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, "utf-8")
        return path

    return writer


def course(*visits: Any, **more: Any) -> dict[str, Any]:
    return {"schema_version": 1, "visits": list(visits), **more}


def visit(**fields: Any) -> dict[str, Any]:
    return FIRST | fields


def symptom(value: Any, name: str = "fever_value") -> dict[str, Any]:
    return course(visit(symptoms={name: value}))


def check_schema(document: object) -> None:
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


def test_the_example_is_valid_and_read() -> None:
    check_schema(json.loads(EXAMPLE.read_text("utf-8")))
    assert len(read_visits(EXAMPLE).visits) >= 10


@pytest.mark.parametrize(
    ("name", "stated", "value"),
    [
        ("fever_value", {"value": 98.6, "unit": "F"}, 37.0),
        ("fever_value", {"value": 98.6, "unit": "°F"}, 37.0),
        ("fever_value", {"value": 37, "unit": "C"}, 37.0),
        ("fever_value", 37, 37.0),
        ("fever_duration", {"value": 36, "unit": "hours"}, 1.5),
        ("oxygen_level", {"value": 91, "unit": "%"}, 91.0),
    ],
)
def test_a_stated_unit_is_converted(write: Write, name: str, stated: object, value: float) -> None:
    document = symptom(stated, name)
    check_schema(document)
    assert read_visits(write(document)).visits[0].symptoms == {name: value}


def test_zones_probabilities_and_the_patient_are_read(write: Write) -> None:
    image = {"NORMAL": 0.1, "ABNORMAL": 0.2, "PNEUMONIA": 0.7}
    document = course(
        visit(probabilities=image),
        visit(time="2026-03-01T08:30:00Z"),
        rule_base="baral2025",
        patient={"age": 54, "sex": "F"},
    )
    check_schema(document)
    history = read_visits(write(document))
    assert history.rule_base == "baral2025"
    assert history.patient == PatientContext(54, "F")
    assert history.visits[0].probabilities == image
    assert [v.time.hour for v in history.visits] == [8, 8]


BAD = {
    "empty file": ("", ["is empty", '"visits"']),
    "blank file": (" \n", ["is empty"]),
    "not JSON": ("visits: 3", ["not valid JSON"]),
    "deep nesting": ("[" * 100_000, ["not valid JSON"]),
    "a list": ([FIRST], ["not a JSON object"]),
    "no version": ({"visits": [FIRST]}, ["schema_version is None"]),
    "another version": (course(FIRST) | {"schema_version": 2}, ["schema_version is 2"]),
    "version true": (course(FIRST) | {"schema_version": True}, ["schema_version"]),
    "unknown key": (course(FIRST, name="Smith"), ["unknown key 'name'"]),
    "no visits": (course(), ["holds no visits"]),
    "visits no list": ({"schema_version": 1, "visits": {}}, ["no list of visits"]),
    "too many": (course(*[FIRST] * 1001), ["1001 visits", "1000"]),
    "patient a name": (course(FIRST, patient="Smith"), ["patient is not a JSON object"]),
    "unknown key of a patient": (course(FIRST, patient={"name": "Smith"}), ["key 'name'"]),
    "age a text": (course(FIRST, patient={"age": "54"}), ["age is not a number"]),
    "impossible age": (course(FIRST, patient={"age": 200}), ["age 200 is outside 0..130"]),
    "impossible sex": (course(FIRST, patient={"sex": ["M"]}), ["sex ['M'] is neither M nor F"]),
    "rule base a number": (course(FIRST, rule_base=3), ["rule_base is not a text"]),
    "visit no object": (course(3), ["visit 1", "not a JSON object"]),
    "unknown key of a visit": (course(visit(note="x")), ["visit 1", "unknown key 'note'"]),
    "out of order": (course(SECOND, FIRST), ["visit 2 is before visit 1"]),
    "twice": (course(FIRST, FIRST), ["visits 1 and 2 are at the same time"]),
    "twice in two zones": (
        course(FIRST, visit(time="2026-03-01T08:00:00Z")),
        ["visits 1 and 2 are at the same time"],
    ),
    "no time": (course({"symptoms": {"fatigue": 0.1}}), ["visit 1", "no time"]),
    "bad time": (course(visit(time="yesterday")), ["visit 1", "'yesterday'"]),
    "no zone": (course(visit(time="2026-03-01T09:00:00")), ["visit 1", "no zone"]),
    "time out of all calendars": (
        course(visit(time="0001-01-01T00:00:00+14:00")),
        ["visit 1", "no date and time"],
    ),
    "no symptoms": (course(visit(symptoms={})), ["visit 1", "no symptoms"]),
    "symptoms a list": (course(visit(symptoms=[38])), ["visit 1", "no symptoms"]),
    "unknown symptom": (course(FIRST, SECOND | {"symptoms": {"fevr": 38}}), ["visit 2", "'fevr'"]),
    "Fahrenheit without its unit": (symptom(98.6), ["visit 1", '"unit": "F"']),
    "impossible": (symptom(3, "fatigue"), ["visit 1", "fatigue 3 is outside 0..1"]),
    "impossible after conversion": (symptom({"value": 37, "unit": "F"}), ["visit 1", "outside"]),
    "unknown unit": (symptom({"value": 310, "unit": "K"}), ["visit 1", "'K'", "C"]),
    "unit of no symptom": (symptom({"value": 1, "unit": "C"}, "fatigue"), ["'C'", "fatigue"]),
    "unit no text": (symptom({"value": 37, "unit": 3}), ["visit 1", "fever_value"]),
    "half a unit": (symptom({"value": 37}), ["visit 1", "fever_value"]),
    "value no number": (symptom({"value": "37", "unit": "C"}), ["visit 1", "type str"]),
    "true": (symptom(True), ["visit 1", "type bool"]),
    "null": (symptom(None), ["visit 1", "NoneType"]),
    "too large a number": (symptom({"value": 10**400, "unit": "F"}), ["visit 1", "finite"]),
    "NaN": (
        '{"schema_version": 1, "visits": [{"time": "2026-03-01T09:00:00Z", "symptoms": '
        '{"fatigue": NaN}}]}',
        ["visit 1", "finite"],
    ),
    "a symptom twice": (
        '{"schema_version": 1, "visits": [{"time": "2026-03-01T09:00:00Z", "symptoms": '
        '{"fatigue": 0.1, "fatigue": 0.2}}]}',
        ["'fatigue' is given twice"],
    ),
    "probabilities over 1": (
        course(visit(probabilities={"PNEUMONIA": 0.9, "NORMAL": 0.9})),
        ["visit 1", "probabilities"],
    ),
    "probabilities a number": (course(visit(probabilities=0.9)), ["visit 1", "probabilities"]),
    "probability a text": (
        course(visit(probabilities={"PNEUMONIA": "1"})),
        ["visit 1", "probabilities"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(write: Write, case: str) -> None:
    content, words = BAD[case]
    with pytest.raises(VisitError) as refused:
        read_visits(write(content))
    message = str(refused.value)
    assert "\n" not in message
    assert len(message) < 700
    for word in ["visits.json", *words]:
        assert word in message


def test_a_huge_file_and_a_missing_one_are_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(VisitError, match="larger than 1 MiB"):
        read_visits(write(" " * (1 << 20) + "{}"))
    with pytest.raises(VisitError, match="no such file"):
        read_visits(tmp_path / "absent.json")
    with pytest.raises(VisitError, match="not a plain file"):
        read_visits(tmp_path)
