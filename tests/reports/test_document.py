"""The JSON contract: every variant fits its schema, a broken one does not, and nothing is lost."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from pneumoscope.evaluation import evaluate_figures, evaluate_predictions, measure_decisions
from pneumoscope.findings import (
    NOTICE,
    About,
    AgeGroupChoice,
    BundleIdentity,
    Confidence,
    Decision,
    Diagnosis,
    Heatmap,
    Message,
    OperatingPoint,
    PatientIdentity,
    Provenance,
    Purpose,
)
from pneumoscope.reports import (
    EvaluationData,
    dump,
    to_document,
    to_evaluation_document,
    to_severity_document,
)

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CLASSES = ("ABNORMAL", "NORMAL", "PNEUMONIA")
IDENTITY = PatientIdentity("Doe^Jane", "MRN-1", "19700102")
BUNDLE = BundleIdentity("small", "0.1", "f" * 64)
POINTS = (
    OperatingPoint(Purpose.RULE_OUT, "PNEUMONIA", 0.2, "made up"),
    OperatingPoint(Purpose.RULE_IN, "PNEUMONIA", 0.6, "made up", (0.5, 0.4, 0.6), (0.9, 0.8, 1)),
)


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((REFERENCE / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


DIAGNOSIS, EVALUATION = validator("diagnosis"), validator("evaluation")
SEVERITY = validator("severity")


def evaluation(positive: str | None, **kwargs: object) -> dict[str, object]:
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(3), 60)
    labels = [CLASSES[i % 3] for i in range(60)]
    summary = evaluate_predictions(probabilities, labels, CLASSES, positive=positive, resamples=20)
    figures = evaluate_figures(
        probabilities,
        labels,
        CLASSES,
        patients=[str(i) for i in range(60)],
        positive=positive,
        groups={"view": ["AP", "PA"] * 30},
        resamples=20,
    )
    data = EvaluationData(
        folder="set",
        images=61,
        unreadable=["a/broken.png"],
        has_patients=False,
        patient_column=None,
        where={"view": "PA"},
    )
    numbers = summary.as_dict() | figures.as_dict()
    decided = [
        Decision(
            dict(zip(CLASSES, row.tolist(), strict=True)),
            CLASSES[int(row.argmax())],
            Confidence(0, 0, 0, 0, 0),
            AgeGroupChoice(("children", "adults")[i % 2], "age"),
            operating_points=POINTS,
            prediction_set=(CLASSES[int(row.argmax())],) if i % 3 else (),
            coverage=0.9 if i % 3 else None,
        )
        for i, row in enumerate(probabilities / probabilities.sum(axis=1, keepdims=True))
    ]
    patients = [str(i) for i in range(60)]
    measured = measure_decisions(decided, labels, patients, positive=positive, resamples=20)
    kwargs = {
        "overlap": {"identical": [], "near": []},
        "decisions": measured.as_dict(),
    } | kwargs
    return to_evaluation_document(numbers, bundle=BUNDLE, data=data, **kwargs)


def test_every_variant_fits_the_schema_and_survives_json(diagnosis: Diagnosis):
    document = to_document(diagnosis)
    DIAGNOSIS.validate(document)
    assert json.loads(dump(document)) == document
    assert document["notice"] == NOTICE


def test_keys_are_in_the_published_order(diagnosis: Diagnosis):
    """The order is the schema's, at the top and in every object whose fields are fixed."""

    def compare(value: object, schema: dict[str, object]) -> None:
        if isinstance(value, dict) and "properties" in schema:
            assert list(value) == list(schema["properties"])
            for name, part in value.items():
                compare(part, schema["properties"][name])

    compare(to_document(diagnosis), DIAGNOSIS.schema)


def test_every_property_of_the_schemas_is_described_and_closed():
    def walk(schema: dict[str, object]) -> None:
        assert schema["description"]
        if "properties" in schema:
            assert schema["additionalProperties"] is False
        children = list(schema.get("properties", {}).values())
        children += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
        for child in children:
            walk(child)

    walk(DIAGNOSIS.schema)
    walk(EVALUATION.schema)
    walk(SEVERITY.schema)


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_a_severity_alone_fits_its_schema(make, rule_base):
    given = make(ill=True, rule_base=rule_base)
    document = to_severity_document(
        given.severity,
        symptoms=given.symptoms,
        patient=given.patient,
        warnings=(Message("level_jumps", About.SEVERITY, {"rule_base": rule_base}),),
        provenance=Provenance("0.1.0", rule_base=rule_base),
    )
    SEVERITY.validate(document)
    assert list(document) == list(SEVERITY.schema["properties"])
    assert document["severity"] == to_document(given)["severity"]
    assert json.loads(dump(document)) == document


def test_both_schemas_say_the_same_of_a_severity():
    whole, alone = (v.schema["properties"]["severity"] for v in (DIAGNOSIS, SEVERITY))
    for key in ("required", "properties", "additionalProperties"):
        assert whole[key] == alone[key]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("extra",), 1),
        (("notice",), ""),
        (("schema_version",), 1),
        (("age_group", "chosen_by"), "guess"),
        (("view",), "LL"),
        (("operating_points", 0, "purpose"), "screen"),
        (("operating_points", 0, "sensitivity"), 0.9),
        (("zone",), "unclear"),
        (("prediction_set",), {"coverage": 1, "classes": ["PNEUMONIA"]}),
        (("heatmap", "method"), "guess"),
        (("grad_cam",), {}),
        (("probabilities", "PNEUMONIA"), 1.2),
        (("predicted",), None),
        (("abstained",), {"code": "localizer", "about": "image", "values": {}, "text": "Scout."}),
        (("heatmap", "contours", 0, 0), [0.1]),
        (("severity", "level"), "grave"),
        (("bundle", "sha256"), "abc"),
        (("image", "identity", "address"), "somewhere"),
    ],
)
def test_a_broken_diagnosis_fails(make, path, value):
    document = to_document(make(ill=True, identity=IDENTITY))
    DIAGNOSIS.validate(document)
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(ValidationError):
        DIAGNOSIS.validate(document)


def test_a_missing_key_fails(make):
    document = to_document(make(ill=True))
    for name in document:
        broken = {key: value for key, value in document.items() if key != name}
        with pytest.raises(ValidationError):
            DIAGNOSIS.validate(broken)


def test_probabilities_are_not_rounded(make):
    diagnosis = make(pneumonia=0.123456789012345)
    document = json.loads(dump(to_document(diagnosis)))
    assert document["probabilities"] == dict(diagnosis.decision.probabilities)


def test_numpy_numbers_become_plain(make):
    symptoms = {"fatigue": np.float32(0.5), "fever_duration": 4}
    document = to_document(make(symptoms=symptoms))
    assert json.loads(dump(document))["symptoms"] == {"fatigue": 0.5, "fever_duration": 4.0}
    assert all(type(value) is float for value in document["symptoms"].values())


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
        document = to_document(replace(given, decision=decision))
        DIAGNOSIS.validate(document)
        assert document["zone"] == zone
        assert [point["reached"] for point in document["operating_points"]] == [True, False][
            : len(mine)
        ]
        assert document["view"] == "AP"
        assert document["prediction_set"] == {
            "coverage": 0.8,
            "classes": [given.decision.predicted, "PNEUMONIA"],
        }
    rates = to_document(replace(given, decision=replace(given.decision, operating_points=POINTS)))
    assert rates["operating_points"][0]["sensitivity"] is None
    assert rates["operating_points"][1]["specificity"] == {"value": 0.9, "ci95": [0.8, 1]}


def test_an_evidence_map_and_the_grad_cam_beside_it_fit_the_schema(make):
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
    document = to_document(replace(given, heatmap=evidence, grad_cam=given.heatmap))
    DIAGNOSIS.validate(document)
    assert document["heatmap"] == {
        "method": "evidence",
        "class": "PNEUMONIA",
        "outlined": False,
        "why_not_outlined": "too faint",
        "highest": pytest.approx(float(values.max())),
        "lung_share": 0.75,
        "mask_fraction": 0,
        "contours": [],
    }
    assert document["grad_cam"] == to_document(given)["heatmap"]
    assert document["grad_cam"]["highest"] is None


def test_contours_are_fractions_with_four_decimals(make):
    diagnosis = make()
    contours = to_document(diagnosis)["heatmap"]["contours"]
    for found, given in zip(contours, diagnosis.heatmap.contours, strict=True):
        np.testing.assert_allclose(found, given, atol=0.5e-4)
        assert all(value == round(value, 4) for point in found for value in point)


def test_identity_is_only_there_when_asked_for(make):
    without = dump(to_document(make(dicom=True)))
    assert "MRN-1" not in without
    assert json.loads(without)["image"]["identity"] is None
    assert to_document(make(identity=IDENTITY))["image"]["identity"]["patient_id"] == "MRN-1"


def test_header_fields_are_null_when_empty_or_without_dicom(make):
    image = to_document(make(dicom=True))["image"]
    assert image["modality"] == "DX"
    assert image["view_position"] is None
    assert to_document(make())["image"]["sop_instance_uid"] is None


def test_a_file_name_that_is_no_unicode_can_be_written(make):
    text = dump(to_document(make(name="lung\udc80é\x1b.png")))
    assert json.loads(text.encode("utf-8"))["image"]["file"] == "lung\\udc80é\x1b.png"


def test_dump_refuses_nan_and_ends_with_a_newline():
    with pytest.raises(ValueError, match="JSON"):
        dump({"value": float("nan")})
    assert dump({"é": 1}) == '{\n  "é": 1\n}\n'


@pytest.mark.parametrize("positive", [None, "PNEUMONIA"])
def test_evaluations_fit_the_schema(positive):
    document = evaluation(positive, warnings=(Message("intervals_without_patients", About.DATA),))
    EVALUATION.validate(document)
    assert json.loads(dump(document)) == document
    assert document["notice"] == NOTICE
    assert len(document["operating_points"]) == (0 if positive is None else 2)
    assert [one["age_group"] for one in document["profiles"]] == ["adults", "children"]
    assert ("auroc" in document) == (positive is not None)


def test_a_broken_evaluation_fails():
    document = evaluation("PNEUMONIA")
    EVALUATION.validate(document)
    for name in document:
        broken = {key: value for key, value in document.items() if key != name}
        with pytest.raises(ValidationError):
            EVALUATION.validate(broken)
    wrong = copy.deepcopy(document)
    wrong["accuracy"]["ci95"] = [0.5]
    with pytest.raises(ValidationError):
        EVALUATION.validate(wrong)


def test_the_document_costs_no_import_of_pictures_or_templates():
    code = (
        "import sys, pneumoscope.reports.document; "
        "sys.exit(any(m in sys.modules for m in ('PIL', 'jinja2', 'cv2', 'rich')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there_and_others_are_not():
    import pneumoscope.reports as room

    assert all(callable(getattr(room, name)) or name == "SCHEMA_VERSION" for name in room.__all__)
    with pytest.raises(AttributeError, match="to_fax"):
        _ = room.to_fax
