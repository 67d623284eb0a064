"""The JSON of an evaluation: every variant fits its schema, and a broken one does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from pneumoscope.documents import dump
from pneumoscope.evaluation import measure_decisions
from pneumoscope.evaluation.reports import EvaluationData, to_evaluation_document
from pneumoscope.findings import (
    NOTICE,
    About,
    AgeGroupChoice,
    BundleIdentity,
    Confidence,
    Decision,
    Message,
    OperatingPoint,
    Purpose,
)
from pneumoscope.metrics import evaluate_figures, evaluate_predictions

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
CLASSES = ("ABNORMAL", "NORMAL", "PNEUMONIA")
BUNDLE = BundleIdentity("small", "0.1", "f" * 64)
POINTS = (
    OperatingPoint(Purpose.RULE_OUT, "PNEUMONIA", 0.2, "made up"),
    OperatingPoint(Purpose.RULE_IN, "PNEUMONIA", 0.6, "made up", (0.5, 0.4, 0.6), (0.9, 0.8, 1)),
)


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((REFERENCE / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


EVALUATION = validator("evaluation")


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


def test_every_property_of_the_schemas_is_described_and_closed():
    def walk(schema: dict[str, object]) -> None:
        assert schema["description"]
        if "properties" in schema:
            assert schema["additionalProperties"] is False
        children = list(schema.get("properties", {}).values())
        children += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
        for child in children:
            walk(child)

    walk(EVALUATION.schema)


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
