from copy import deepcopy
from importlib.resources import files

import pytest
import yaml

from pneumoscope.errors import InputError
from pneumoscope.findings import SeverityLevel
from pneumoscope.severity import SYMPTOMS
from pneumoscope.severity.rule_base import load_rule_base, parse_rule_base, published_rule_bases

TEXT = (files("pneumoscope.severity") / "rule_bases" / "baral2025.yaml").read_text("utf-8")
DATA = yaml.safe_load(TEXT)


def changed(*path, to):
    data = deepcopy(DATA)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return data


def without(key):
    return {k: v for k, v in DATA.items() if k != key}


def test_every_shipped_rule_base_loads():
    assert "baral2025" in published_rule_bases()
    for name in published_rule_bases():
        assert load_rule_base(name).name == name


def test_inputs_are_the_symptoms_in_their_order():
    # fever_duration alone is written on a shorter range than the one that is accepted.
    inputs = load_rule_base("baral2025").inputs
    assert list(inputs) == list(SYMPTOMS)
    narrower = [n for n, s in SYMPTOMS.items() if inputs[n] != (s.minimum, s.maximum)]
    assert narrower == ["fever_duration"]


@pytest.mark.parametrize("name", ["", "guidline", "../severity/rule_bases/baral2025", "BARAL2025"])
def test_unknown_rule_base_lists_the_known(name):
    with pytest.raises(InputError, match=r"unknown rule base.*baral2025"):
        load_rule_base(name)


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, "negligible"),
        (9.99, "negligible"),
        (10, "mild"),
        (24.9, "mild"),
        (25, "moderate"),
        (40, "moderate"),
        (40.01, "severe"),
        (59, "severe"),
    ],
)
def test_bands(score, band):
    assert load_rule_base("baral2025").band(score) is SeverityLevel(band)


BAD = {
    "extra key": ({**DATA, "colour": 1}, "colour"),
    "extra key in a rule": (changed("rules", 0, "note", to="x"), r"rules\.0\.note"),
    "name inside": ({**DATA, "name": "x"}, "name"),
    "number as key": ({**DATA, 7: 1}, "baral"),
    **{f"no {key}": (without(key), key) for key in DATA},
    "unknown operator": (changed("rules", 0, "operator", to="MAYBE"), r"rules\.0\.operator"),
    "unknown level": (changed("rules", 0, "level", to="grave"), r"rules\.0\.level"),
    "no conditions": (changed("rules", 0, "when", to=[]), "S1"),
    "condition twice": (
        changed("rules", 0, "when", to=["fatigue is low", "fatigue is low"]),
        "S1",
    ),
    "condition malformed": (changed("rules", 0, "when", to=["fatigue high"]), "symptom is term"),
    "condition no text": (changed("rules", 0, "when", to=[3]), "symptom is term"),
    "unknown input": (changed("inputs", "wheeze", to=[0, 1]), "wheeze"),
    "unknown input in a rule": (changed("rules", 0, "when", to=["wheeze is high"]), "wheeze"),
    "unknown term": (changed("rules", 0, "when", to=["fatigue is good"]), "good"),
    "input falls": (changed("inputs", "fatigue", to=[1, 0]), "fatigue"),
    "input too wide": (changed("inputs", "fever_value", to=[30, 42]), "35..42"),
    "input is not a pair": (changed("inputs", "fatigue", to=[1]), "fatigue"),
    "term outside": (changed("terms", "low", to=[[0, 2]]), "low"),
    "term falls": (changed("terms", "low", to=[[0.5, 1], [0.3, 0]]), "low"),
    "term empty": (changed("terms", "low", to=[]), "low"),
    "cut": (changed("cut", to=1), "cut"),
    "margin": (changed("margin", to=-1), "margin"),
    "margin nan": (changed("margin", to=float("nan")), "margin"),
    "weight": (changed("weights", "OR", to=-5), "OR"),
    "weight of nothing": (changed("weights", "NOT", to=5), "weights"),
    "bands fall": (changed("bands", "mild", to=30), "bands"),
    "bands lack one": (changed("bands", to={"mild": 10, "severe": 40}), "bands"),
    "no rules": (changed("rules", to=[]), "rules"),
    "rule twice": (changed("rules", 1, "name", to="S1"), "name of its own"),
}


@pytest.mark.parametrize(("data", "named"), BAD.values(), ids=BAD.keys())
def test_bad_rule_bases_name_the_fault(data, named):
    with pytest.raises(InputError, match=named) as caught:
        parse_rule_base(yaml.safe_dump(data, sort_keys=False), "baral2025-copy")
    assert "baral2025-copy" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "!!python/object/apply:os.getcwd []", "a: 1"])
def test_what_is_no_rule_base(text):
    with pytest.raises(InputError, match="rule base 'x'") as caught:
        parse_rule_base(text, "x")
    assert "\n" not in str(caught.value)
