"""The `guideline` rule base: its YAML files, checked and turned into frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, ClassVar

import yaml
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from pneumoscope.errors import InputError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity.fuzzy import TNorm, ordered
from pneumoscope.severity.inputs import INPUTS
from pneumoscope.severity.reason import reason
from pneumoscope.severity.refusals import PatientNotCoveredError

GUIDELINE = "guideline"
ADULT, UNDER_FIVE = "adult", "under-five"
# Not asked at the bedside: who the patient is, and what the image says.
OTHER_INPUTS = ("age", "image_pneumonia", "image_finding")

# Sums of slopes round: a score this near to a cut is on it.
TOLERANCE = 1e-9

_STRICT = ConfigDict(extra="forbid")
_ADULT_AGE, _CHILD_AGE, _INFANT_AGE, _YOUNG_INFANT_AGE = 18, 5, 1, 2 / 12


Ramp = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FuzzyInput:
    """One input in one clinical direction.

    Attributes
    ----------
    healthy : float
        A normal value of what is measured.
    terms : mapping of str to (float, float)
        Per term the values where "at least this" is 0 and 1, from the healthiest to the worst.
    of : str
        What is measured; in a file by default the input's own name.
    core : bool
        Whether it is asked of every patient.
    infant_terms : mapping of str to (float, float)
        Terms instead of `terms` before the first birthday.
    hypercapnic : bool or None
        True where it counts only for patients with a target SpO2 of 88 to 92 %, False where only
        for all others, None where for everyone.
    only_with : str or None
        A yes or no that must be yes for this to count.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    healthy: float
    terms: Mapping[str, Ramp]
    of: str
    core: bool = False
    infant_terms: Mapping[str, Ramp] | None = None
    hypercapnic: bool | None = None
    only_with: str | None = None

    @property
    def worst(self) -> float:
        """The value from which on nothing changes any more."""
        return list(self.terms.values())[-1][1]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The condition "`name` at least `term`"."""

    name: str
    term: str


def _alternatives(text: object) -> tuple[AtLeast, ...]:
    found = []
    for part in text.split(" or ") if isinstance(text, str) else [""]:
        words = part.split()
        if len(words) != 4 or words[1:3] != ["at", "least"]:
            raise ValueError(f"condition {text!r} is not 'input at least term', joined by 'or'")
        found.append(AtLeast(words[0], words[3]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class GuidelineRule:
    """One rule.

    Attributes
    ----------
    name : str
    level : SeverityLevel
        What it concludes.
    when : tuple of tuple of AtLeast
        Conditions; each is a choice of alternatives.
    because : str
        The guideline's sentence, with its reference.
    need : int or None
        How many conditions must hold; all by default.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    level: SeverityLevel
    when: tuple[Annotated[tuple[AtLeast, ...], BeforeValidator(_alternatives)], ...]
    because: str
    need: int | None = None

    @property
    def needed(self) -> int:
        """How many of the conditions must hold."""
        return len(self.when) if self.need is None else self.need


@dataclass(frozen=True, slots=True)
class GuidelineBase:
    """The rules for one group of ages.

    Attributes
    ----------
    name : str
        "adult" or "under-five".
    ages : (float, float)
        Years, the second not included.
    t_norm : TNorm
        What "and" means.
    cuts : mapping of SeverityLevel to float
        Lowest score of each level but the least.
    margin : float
        A score this near to a cut, or nearer, is borderline.
    inputs : mapping of str to FuzzyInput
    rules : tuple of GuidelineRule
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    ages: tuple[float, float]
    t_norm: TNorm
    cuts: Mapping[SeverityLevel, float]
    margin: float
    inputs: Mapping[str, FuzzyInput]
    rules: tuple[GuidelineRule, ...]

    def __post_init__(self) -> None:
        for name, part in self.inputs.items():
            if part.of not in (*INPUTS, *OTHER_INPUTS):
                raise ValueError(f"input {name} is of {part.of!r}, which is unknown")
            for terms in (part.terms, part.infant_terms or part.terms):
                if not terms or not ordered(list(terms.values())):
                    raise ValueError(f"the terms of {name} must follow each other one way")
            if part.only_with is not None and part.only_with not in self.inputs:
                raise ValueError(f"input {name} counts only with an unknown {part.only_with!r}")
        if list(self.cuts) != list(SeverityLevel)[1:]:
            raise ValueError("cuts must be mild, moderate and severe, in that order")
        self._check_rules()

    def _check_rules(self) -> None:
        names = [rule.name for rule in self.rules]
        if not names or len(set(names)) < len(names):
            raise ValueError("rules must be there, each under a name of its own")
        for rule in self.rules:
            if not rule.because.strip():
                raise ValueError(f"rule {rule.name} names no reference")
            if rule.level is SeverityLevel.NEGLIGIBLE or not 1 <= rule.needed <= len(rule.when):
                raise ValueError(f"rule {rule.name} cannot conclude that, or needs too many")
            for condition in (c for choice in rule.when for c in choice):
                if condition.name not in self.inputs:
                    raise ValueError(f"rule {rule.name}: unknown input {condition.name!r}")
                if condition.term not in self.inputs[condition.name].terms:
                    raise ValueError(f"rule {rule.name}: unknown term {condition.term!r}")

    @property
    def measured(self) -> tuple[str, ...]:
        """What is measured, each once, in the order of the file."""
        return tuple(dict.fromkeys(part.of for part in self.inputs.values()))

    @property
    def core(self) -> tuple[str, ...]:
        """What is asked of every patient."""
        return tuple(dict.fromkeys(part.of for part in self.inputs.values() if part.core))

    @property
    def by_target(self) -> bool:
        """Whether the rules heed that a clinician set a target SpO2 of 88 to 92 %."""
        return any(part.hypercapnic is not None for part in self.inputs.values())

    def level_at(self, score: float) -> SeverityLevel:
        """Level of a score."""
        passed = [level for level, cut in self.cuts.items() if score >= cut - TOLERANCE]
        return passed[-1] if passed else SeverityLevel.NEGLIGIBLE

    def near_a_cut(self, score: float) -> bool:
        """Whether a score is borderline."""
        return any(abs(score - cut) <= self.margin + TOLERANCE for cut in self.cuts.values())

    def healthy(self, name: str) -> float:
        """A normal value of what is measured."""
        return next(part.healthy for part in self.inputs.values() if part.of == name)

    def worst(self, name: str) -> tuple[float, ...]:
        """Worst values of what is measured, one for each end that counts."""
        return tuple(part.worst for part in self.inputs.values() if part.of == name)


_BASE = TypeAdapter(GuidelineBase)


def parse_guideline(text: str, name: str) -> GuidelineBase:
    """Read rules from YAML; `rule_bases/guideline/adult.yaml` in this package is the example.

    Raises
    ------
    InputError
        For bad YAML, a missing or unknown key, input, term or level, slopes that overlap, or a rule
        without its reference; the message names the place.
    """
    try:
        data = yaml.safe_load(text)
        inputs = {key: {"of": key, **part} for key, part in data["inputs"].items()}
        return _BASE.validate_python({**data, "inputs": inputs, "name": name})
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"guideline rules {name!r}: no YAML mapping of inputs ({why})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        why = " ".join(first["msg"].removeprefix("Value error, ").split())
        raise InputError(f"guideline rules {name!r} at {place or 'top'}: {why}") from error


@lru_cache
def load_guideline(name: str) -> GuidelineBase:
    """Load the rules "adult" or "under-five"; treat them as read-only."""
    file = files(__package__) / "rule_bases" / GUIDELINE / f"{name}.yaml"
    return parse_guideline(file.read_text(encoding="utf-8"), name)


def guideline_for(age: float | None, *, hypercapnic: bool = False) -> GuidelineBase:
    """Choose the rules for a patient.

    Parameters
    ----------
    age : float or None
        Years.
    hypercapnic : bool
        Whether a clinician set a target SpO2 of 88 to 92 % (NEWS2 scale 2); of adults only.

    Raises
    ------
    PatientNotCoveredError
        For an unknown age, below 2 months, and from 5 to 17 years.
    """
    if age is None:
        raise PatientNotCoveredError(reason("age_needed"))
    if age >= _ADULT_AGE:
        return _of_target(ADULT, hypercapnic)
    if age >= _CHILD_AGE:
        raise PatientNotCoveredError(reason("age_five_to_seventeen", age=age))
    if age < _YOUNG_INFANT_AGE:
        raise PatientNotCoveredError(reason("age_under_two_months"))
    return _of_infants(UNDER_FIVE) if age < _INFANT_AGE else load_guideline(UNDER_FIVE)


@lru_cache
def _of_target(name: str, hypercapnic: bool) -> GuidelineBase:
    """Leave out the inputs that do not count for this patient, and the rules that need them."""
    base = load_guideline(name)
    inputs = {
        key: part
        for key, part in base.inputs.items()
        if part.hypercapnic is None or part.hypercapnic is hypercapnic
    }
    rules = []
    for rule in base.rules:
        when = tuple(tuple(one for one in choice if one.name in inputs) for choice in rule.when)
        if all(when):
            rules.append(replace(rule, when=when))
    return replace(base, inputs=inputs, rules=tuple(rules))


@lru_cache
def _of_infants(name: str) -> GuidelineBase:
    base = load_guideline(name)
    inputs = {
        name: replace(part, terms=part.infant_terms, infant_terms=None)
        if part.infant_terms
        else part
        for name, part in base.inputs.items()
    }
    return replace(base, inputs=inputs)
