"""A patient's visits from a JSON file."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from pneumoscope.errors import SymptomError, VisitError
from pneumoscope.files import read_limited
from pneumoscope.findings import PatientContext, Visit
from pneumoscope.severity import check_inputs, in_own_unit

SCHEMA_VERSION = 1
MAX_FILE_BYTES = 1 << 20
MAX_VISITS = 1000
_KEYS = frozenset({"schema_version", "rule_base", "patient", "visits"})
_PATIENT_KEYS = frozenset({"age", "sex"})
_VISIT_KEYS = frozenset({"time", "symptoms", "probabilities"})
_EXAMPLE = '{"schema_version": 1, "patient": {"age": 54}, "visits": [...]}'


@dataclass(frozen=True, slots=True)
class History:
    """What a file of visits holds.

    Attributes
    ----------
    visits : tuple of Visit
        In the order of time, each at a time of its own.
    rule_base : str or None
        The rule base that the history was scored with, with its version if the file gives one.
    patient : PatientContext
        Age and sex, where the file gives them.
    """

    visits: tuple[Visit, ...]
    rule_base: str | None = None
    patient: PatientContext = field(default_factory=PatientContext)


def read_visits(path: Path) -> History:
    """Read a patient's visits.

    Parameters
    ----------
    path : Path
        UTF-8 JSON of at most 1 MiB and 1,000 visits, as ``pneumoscope schema visits`` says.

    Returns
    -------
    History
        Symptoms checked, in the units of `INPUTS`.

    Raises
    ------
    VisitError
        For a file that is missing, unreadable, too large, no JSON or of another form, and for
        visits that are out of order, twice at one time, or hold an unknown symptom, an impossible
        value or an unknown unit. The message names the visit.
    """
    label = f"visits {str(path)!r}"
    try:
        raw = read_limited(path, MAX_FILE_BYTES)
    except OSError as error:
        raise VisitError(
            f"{label} cannot be read ({error.strerror}); give one JSON file of visits"
        ) from error
    if not raw.strip():
        raise VisitError(f"{label} is empty; write it like {_EXAMPLE}")
    try:
        data = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object)
        return _history(data)
    except VisitError as error:
        raise VisitError(f"{label}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise VisitError(f"{label} is not valid JSON ({error}); correct the file") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a JSON object, refusing the repeated names that `json` would silently drop."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise VisitError(f"{reprlib.repr(name)} is given twice in one object; give it once")
        result[name] = value
    return result


def _history(data: object) -> History:
    contents = _mapping(data, "the file", _KEYS)
    version = contents.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise VisitError(
            f"schema_version is {reprlib.repr(version)}, not {SCHEMA_VERSION}; write it like "
            f"{_EXAMPLE}"
        )
    rule_base = contents.get("rule_base")
    if rule_base is not None and not isinstance(rule_base, str):
        raise VisitError("rule_base is not a text; give its name, or leave it out")
    listed = contents.get("visits")
    if not isinstance(listed, list) or not listed:
        kind = "visits" if listed == [] else "list of visits"
        raise VisitError(f"holds no {kind}; write it like {_EXAMPLE}")
    if len(listed) > MAX_VISITS:
        raise VisitError(f"holds {len(listed)} visits; give at most the last {MAX_VISITS}")
    visits = tuple(_visit(item, number) for number, item in enumerate(listed, 1))
    for number, (earlier, later) in enumerate(pairwise(visits), 2):
        if later.time == earlier.time:
            raise VisitError(f"visits {number - 1} and {number} are at the same time; keep one")
        if later.time < earlier.time:
            raise VisitError(
                f"visit {number} is before visit {number - 1}; put them in the order of time"
            )
    return History(visits, rule_base, _patient(contents.get("patient")))


def _patient(value: object) -> PatientContext:
    if value is None:
        return PatientContext()
    contents = _mapping(value, "patient", _PATIENT_KEYS)
    age, sex = contents.get("age"), contents.get("sex")
    if age is not None and (isinstance(age, bool) or not isinstance(age, int | float)):
        raise VisitError("patient: age is not a number of years; write it like 54")
    if sex not in (None, "M", "F"):
        raise VisitError(f"patient: sex {reprlib.repr(sex)} is neither M nor F")
    try:
        return PatientContext(age, sex)
    except (ValueError, OverflowError) as error:
        raise VisitError(f"patient: {error}; correct it") from error


def _mapping(value: object, what: str, keys: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise VisitError(f"{what} is not a JSON object; write it like {_EXAMPLE}")
    unknown = sorted(value.keys() - keys)
    if unknown:
        raise VisitError(
            f"{what} has the unknown key {reprlib.repr(unknown[0])}; use {', '.join(sorted(keys))}"
        )
    return value


def _visit(item: object, number: int) -> Visit:
    try:
        contents = _mapping(item, "it", _VISIT_KEYS)
        return Visit(
            time=_time(contents.get("time")),
            symptoms=_symptoms(contents.get("symptoms")),
            probabilities=_probabilities(contents.get("probabilities")),
        )
    except (VisitError, SymptomError) as error:
        raise VisitError(f"visit {number}: {error}") from error


def _time(value: object) -> datetime:
    example = "write it like 2026-03-01T09:30:00+01:00"
    if not isinstance(value, str):
        raise VisitError(f"has no time; {example}")
    try:
        time = datetime.fromisoformat(value)
        # In one zone, so that a course shows and compares one clock.
        return time.astimezone(UTC) if time.tzinfo is not None else _no_zone(value)
    except VisitError:
        raise
    except (ValueError, OverflowError) as error:
        raise VisitError(f"time {reprlib.repr(value)} is no date and time; {example}") from error


def _no_zone(value: str) -> datetime:
    raise VisitError(f"time {reprlib.repr(value)} has no zone; add one, such as +01:00 or Z")


def _symptoms(value: object) -> dict[str, float]:
    if not isinstance(value, dict) or not value:
        raise VisitError('has no symptoms; write them like {"fever_value": 38.5}')
    stated: dict[str, Any] = {name: in_own_unit(name, given) for name, given in value.items()}
    return check_inputs(stated)


def _probabilities(value: object) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not value:
        raise VisitError('probabilities is no object; write it like {"PNEUMONIA": 0.9, ...}')
    numbers = [number for number in value.values() if _is_probability(number)]
    if len(numbers) < len(value) or abs(sum(numbers) - 1) > 0.01:
        raise VisitError("probabilities are not numbers within 0..1 that sum to 1; check them")
    return {name: float(number) for name, number in value.items()}


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
