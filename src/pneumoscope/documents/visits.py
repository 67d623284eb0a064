"""The schema of a file of visits, which `tracking.read_visits` reads."""

from __future__ import annotations

from typing import Any

from pneumoscope.severity import INPUTS, Symptom, units_of

_MAX_VISITS = 1000


def visits_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a patient's visits.

    Returns
    -------
    dict of str to object
        The inputs with their meanings, ranges and units are those of `severity.INPUTS`. What a
        schema cannot say is left to the reader: the order of the times, the range of a value.
    """
    visit = {
        "time": {
            "description": "Date and time with its zone (ISO 8601): 2026-03-01T09:30:00+01:00.",
            "type": "string",
            "format": "date-time",
        },
        "symptoms": {
            "description": "What was rated or measured; leave out what was not.",
            "minProperties": 1,
            **_closed({name: _value(symptom) for name, symptom in INPUTS.items()}),
        },
        "probabilities": {
            "description": "Calibrated probability per class of that day's radiograph, sum 1.",
            "type": ["object", "null"],
            "minProperties": 1,
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        },
    }
    patient = {
        "age": {
            "description": "Years.",
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 130,
        },
        "sex": {"description": "M or F.", "enum": ["M", "F", None]},
    }
    contents = {
        "schema_version": {"description": "Version of this format: 1.", "const": 1},
        "rule_base": {
            "description": "What the history was scored with: a name, or NAME@VERSION as a course "
            "document has it; another version than the program's is refused.",
            "type": "string",
        },
        "patient": {
            "description": "Who the visits are of; nothing that names a person.",
            **_closed(patient),
            "type": ["object", "null"],
        },
        "visits": {
            "description": "In the order of time, each at a time of its own.",
            "type": "array",
            "minItems": 1,
            "maxItems": _MAX_VISITS,
            "items": {
                "description": "One visit.",
                **_closed(visit, required=("time", "symptoms")),
            },
        },
    }
    return {
        "description": "The visits of one patient: a UTF-8 file of at most 1 MiB.",
        **_closed(contents, required=("schema_version", "visits")),
    }


def _closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Describe an object that holds nothing else: a mistyped name must not be passed over."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _value(symptom: Symptom) -> dict[str, Any]:
    meaning = symptom.meaning[:1].upper() + symptom.meaning[1:]
    measured = {
        "value": {"description": "In the unit beside it.", "type": "number"},
        "unit": {
            "description": "What the value is measured in; never guessed.",
            "enum": list(units_of(symptom.name)),
        },
    }
    return {
        "description": f"{meaning}, {symptom.range_text}. A bare number is in this unit.",
        "oneOf": [{"type": "number"}, _closed(measured, required=("value", "unit"))],
    }
