"""Rule bases: YAML files a clinician can read, checked and turned into frozen values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from pneumoscope.errors import InputError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity.symptoms import SYMPTOMS

_FOLDER = "rule_bases"
_ORIGIN = "varies"
_STRICT = ConfigDict(extra="forbid")


class Aggregation(StrEnum):
    """How a level's points are made from its rules (Baral 2025, 3.3.5)."""

    SUM = "sum"  # of weight times truth: the authors' program
    MAXIMUM = "maximum"  # equation 13
    WEIGHTED_AVERAGE = "weighted average"  # equation 14


class Operator(StrEnum):
    """How a rule joins its conditions."""

    AND = "AND"
    OR = "OR"
    XOR = "XOR"
    NAND = "NAND"
    NOR = "NOR"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule: `symptom` belongs to the set `term`, such as "high"."""

    symptom: str
    term: str


def _condition(text: object) -> Condition:
    words = text.split() if isinstance(text, str) else []
    if len(words) != 3 or words[1] != "is":
        raise ValueError(f"condition {text!r} is not of the form 'symptom is term'")
    return Condition(words[0], words[2])


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when `operator` is satisfied by the conditions in `when`, points go to `level`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    level: SeverityLevel
    operator: Operator
    when: tuple[Annotated[Condition, BeforeValidator(_condition)], ...]

    def __post_init__(self) -> None:
        if not self.when or len(set(self.when)) < len(self.when):
            raise ValueError(f"rule {self.name} needs conditions, each of them once")


@dataclass(frozen=True, slots=True)
class RuleBase:
    """A whole rule base (Baral 2025, 3.3.5).

    Attributes
    ----------
    name : str
        The file's name without its ending.
    inputs : mapping of str to (float, float)
        Per symptom the values where theta is 0 and 1, in the symptom's unit. All are required.
    terms : mapping of str to tuple of (float, float)
        Per set the points (theta, membership), both 0..1, theta rising.
    cut : float or None
        A condition holds where its membership is above it, 0..1; without one it is as true as its
        membership.
    weights : mapping of Operator to float
        Points of a rule that is wholly true, 0 or more; rules of weight 0 never fire.
    bands : mapping of SeverityLevel to float
        Lowest points of each level but the least, rising; see `band`.
    margin : float
        Points between the two best levels that still count as borderline.
    rules : tuple of Rule
        In the order in which they are reported.
    aggregation : Aggregation
        Of the rules of one level.
    severe_at_bound : bool
        Whether points on the bound of severe are severe already, as in the table of bands in the
        manuscript of March 2025, or only those above it, as in the article's text.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    inputs: Mapping[str, tuple[float, float]]
    terms: Mapping[str, tuple[tuple[float, float], ...]]
    cut: float | None
    weights: Mapping[Operator, float]
    bands: Mapping[SeverityLevel, float]
    margin: float
    rules: tuple[Rule, ...]
    aggregation: Aggregation = Aggregation.SUM
    severe_at_bound: bool = False

    def __post_init__(self) -> None:
        self._check_inputs()
        self._check_terms()
        self._check_points()
        self._check_rules()

    def band(self, score: float) -> SeverityLevel:
        """Level whose band `score` falls in: from its bound on; severe see `severe_at_bound`."""
        level = SeverityLevel.NEGLIGIBLE
        for candidate, bound in self.bands.items():
            at_bound = self.severe_at_bound or candidate is not SeverityLevel.SEVERE
            if score > bound or (score == bound and at_bound):
                level = candidate
        return level

    def _check_inputs(self) -> None:
        for name, (low, high) in self.inputs.items():
            if name not in SYMPTOMS:
                raise ValueError(f"input {name!r} is unknown; use {', '.join(SYMPTOMS)}")
            symptom = SYMPTOMS[name]
            if not symptom.minimum <= low < high <= symptom.maximum:
                raise ValueError(
                    f"input {name} must rise within {symptom.range_text}, not {low:g}..{high:g}"
                )

    def _check_terms(self) -> None:
        for name, points in self.terms.items():
            inside = all(0 <= number <= 1 for point in points for number in point)
            rising = all(a[0] < b[0] for a, b in pairwise(points))
            if not (points and inside and rising):
                raise ValueError(
                    f"term {name!r} needs points [theta, membership] in 0..1, theta rising"
                )

    def _check_points(self) -> None:
        if self.cut is not None and not 0 <= self.cut < 1:
            raise ValueError(f"cut {self.cut:g} is outside 0..1")
        if not 0 <= self.margin < math.inf:
            raise ValueError(f"margin {self.margin:g} is not a number of points from 0")
        for operator in Operator:
            if not 0 <= self.weights.get(operator, -1) < math.inf:
                raise ValueError(f"weights needs a number of points from 0 for {operator}")
        if list(self.bands) != list(SeverityLevel)[1:]:
            raise ValueError("bands must be mild, moderate and severe, in that order")
        if not all(a < b for a, b in pairwise(self.bands.values())):
            raise ValueError("bands must rise from mild to severe")

    def _check_rules(self) -> None:
        names = [rule.name for rule in self.rules]
        if not names or len(set(names)) < len(names):
            raise ValueError("rules must be there, each under a name of its own")
        for rule in self.rules:
            for condition in rule.when:
                if condition.symptom not in self.inputs:
                    raise ValueError(f"rule {rule.name}: unknown input {condition.symptom!r}")
                if condition.term not in self.terms:
                    raise ValueError(f"rule {rule.name}: unknown term {condition.term!r}")


_RULE_BASE = TypeAdapter(RuleBase)


def parse_rule_base(text: str, name: str) -> RuleBase:
    """Read a rule base from YAML.

    Parameters
    ----------
    text : str
        The file's content; `rule_bases/baral2025.yaml` in this package is the example.
    name : str
        What it is called.

    Returns
    -------
    RuleBase
        Checked. Where the key `varies` names a published base, it is that one with the given keys
        in the place of its own, and with the given rules in the place of those of their names.

    Raises
    ------
    InputError
        For bad YAML, a missing or unknown key, input, term, operator or level, or an impossible
        number; the message names the place.
    """
    data = _whole(text, name)
    try:
        return _RULE_BASE.validate_python({**data, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        reason = " ".join(first["msg"].removeprefix("Value error, ").split())
        at = f" at {place}" if place else ""
        raise InputError(f"rule base {name!r}{at}: {reason}; correct the file") from error


def _contents(text: str, name: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"rule base {name!r} is not valid YAML ({reason}); correct it") from error
    if not isinstance(data, dict):
        raise InputError(f"rule base {name!r} is not a mapping of its parts; see baral2025.yaml")
    if "name" in data:
        raise InputError(f"rule base {name!r} is called after its file; remove the key 'name'")
    return data


def _whole(text: str, name: str) -> dict[str, Any]:
    """Read a base, or a variation with all that it leaves as it is."""
    data = _contents(text, name)
    if _ORIGIN not in data:
        return data
    origin = str(data[_ORIGIN])
    base = _whole(rule_base_sources(origin)[0], origin)
    rules = {rule["name"]: rule for rule in base["rules"]}
    changed = data.get("rules", [])
    for rule in changed if isinstance(changed, list) else [changed]:
        if not isinstance(rule, dict) or rule.get("name") not in rules:
            raise InputError(
                f"rule base {name!r} varies {origin}, which has no such rule: {rule!r}; give a "
                "list of rules with names of its"
            )
        rules[rule["name"]] = rule
    kept = {key: value for key, value in data.items() if key != _ORIGIN}
    return {**base, **kept, "rules": list(rules.values())}


def published_rule_bases() -> tuple[str, ...]:
    """Names of the published rule bases that ship with the package, sorted; not `guideline`."""
    folder = files(__package__) / _FOLDER
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[: -len(".yaml")] for name in names if name.endswith(".yaml")))


def rule_base_sources(name: str) -> tuple[str, ...]:
    """Texts that a published rule base is made of: its file, then the one that it varies.

    Raises
    ------
    InputError
        For an unknown name.
    """
    known = published_rule_bases()
    if name not in known:
        raise InputError(f"unknown rule base {name!r}; use one of {', '.join(known)}")
    text = (files(__package__) / _FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    origin = _contents(text, name).get(_ORIGIN)
    return (text,) if origin is None else (text, *rule_base_sources(origin))


@lru_cache
def load_rule_base(name: str) -> RuleBase:
    """Load a published rule base that ships with the package.

    Parameters
    ----------
    name : str
        One of `published_rule_bases()`.

    Returns
    -------
    RuleBase
        Loaded once; treat it as read-only.

    Raises
    ------
    InputError
        For an unknown name.
    """
    return parse_rule_base(rule_base_sources(name)[0], name)
