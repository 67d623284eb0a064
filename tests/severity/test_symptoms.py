import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.errors import SymptomError
from pneumoscope.severity import (
    INPUTS,
    SYMPTOMS,
    check_inputs,
    check_symptoms,
    parse_symptoms,
    read_symptoms,
)
from pneumoscope.severity.symptoms import _OTHER_NAMES

ANY_PATIENT = st.fixed_dictionaries(
    {}, optional={n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()}
)


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "symptoms.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_symptoms_are_the_published_inputs():
    assert len(SYMPTOMS) == 11
    assert [n for n, s in SYMPTOMS.items() if s.worse == "low"] == ["oxygen_level"]
    for name, symptom in SYMPTOMS.items():
        assert symptom.name == name
        assert symptom.minimum < symptom.maximum
        assert symptom.meaning


@given(ANY_PATIENT)
def test_values_in_range_pass_unchanged_and_in_order(patient):
    reverse = dict(reversed(patient.items()))
    checked = check_symptoms(reverse, required=[])
    assert checked == patient
    assert list(checked) == [name for name in SYMPTOMS if name in patient]


@given(ANY_PATIENT)
def test_pairs_round_trip(patient):
    assert parse_symptoms([f"{name} = {value!r}" for name, value in patient.items()]) == patient


@given(patient=ANY_PATIENT)
def test_files_round_trip(patient, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("json"), json.dumps(patient))
    assert read_symptoms(path) == patient


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(1), Fraction(1, 2), 1])
def test_other_real_numbers_are_numbers(value):
    checked = check_symptoms({"fatigue": value}, required=["fatigue"])
    assert checked == {"fatigue": float(value)}
    assert type(checked["fatigue"]) is float


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("breathlesness", "did you mean breathlessness?"),
        ("Fever-Value", "did you mean fever_value?"),
        ("Oxygen level", "did you mean oxygen_level?"),
        ("zzz", "use one of breathlessness"),
    ],
)
def test_unknown_names_get_a_hint(name, hint):
    with pytest.raises(SymptomError, match="unknown symptom") as caught:
        check_symptoms({name: 0.5}, required=[])
    assert hint in str(caught.value)


def test_the_bedsides_other_names_lead_to_an_input():
    assert _OTHER_NAMES.keys().isdisjoint(INPUTS)
    for other, name in _OTHER_NAMES.items():
        with pytest.raises(SymptomError, match=f"did you mean {name}"):
            check_inputs({other.upper(): 1})
    with pytest.raises(SymptomError, match="use one of breathlessness"):
        check_symptoms({"HR": 80}, required=[])  # the published base has no pulse


@pytest.mark.parametrize(
    "value",
    [True, np.True_, "0.5", None, [0.5], Decimal("0.5"), float("nan"), float("-inf"), 10**400],
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(SymptomError, match=r"'fatigue'.*number"):
        check_symptoms({"fatigue": value}, required=[])


@pytest.mark.parametrize("name", SYMPTOMS)
def test_out_of_range_names_the_range_and_unit(name):
    symptom = SYMPTOMS[name]
    for limit, outside in ((symptom.minimum, -np.inf), (symptom.maximum, np.inf)):
        assert check_symptoms({name: limit}, required=[]) == {name: limit}
        with pytest.raises(SymptomError) as caught:
            check_symptoms({name: float(np.nextafter(limit, outside))}, required=[])
        assert f"{symptom.minimum:g}..{symptom.maximum:g} {symptom.unit}" in str(caught.value)


@given(st.sets(st.sampled_from(sorted(SYMPTOMS)), min_size=1))
def test_every_missing_symptom_is_named(missing):
    given_values = {n: s.minimum for n, s in SYMPTOMS.items() if n not in missing}
    with pytest.raises(SymptomError) as caught:
        check_symptoms(given_values, required=SYMPTOMS)
    named = str(caught.value).removeprefix("missing symptoms: ").split(";")[0].split(", ")
    assert set(named) == missing


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (["fatigue"], "not name=value"),
        (["=0.5"], "not name=value"),
        ([""], "not name=value"),
        (["fatigue="], "not a number"),
        (["fatigue=0.5=0.6"], "not a number"),
        (["fatigue=bad"], "not a number; write the number alone"),
        (["oxygen_level=92%"], "not a number; write the number alone"),
        (["fever_value=38.5 K"], "not a number; write it like 38.5, 38.5C or 101.3F"),
        (["stroke=yes"], "not a number; write 1 for yes and 0 for no"),
        (["fatigue=0,5"], "not a number"),
        (["fever_value=3_7"], "not a number"),
        (["fatigue=nan"], "not a finite number"),
        (["fatigue=1e999"], "not a finite number"),
        (["fatigue=0.5", "fatigue =0.5"], "given twice"),
    ],
)
def test_bad_pairs(pairs, reason):
    with pytest.raises(SymptomError, match=reason):
        parse_symptoms(pairs)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ('{"fatigue": 0.5', "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[" * 60_000, "not valid JSON"),
        ('{"fatigue": ' + "9" * 5000 + "}", "JSON|finite"),
        ("[0.5]", "not a JSON object"),
        ("0.5", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"fatigue": 0.5, "fatigue": 0.6}', "given twice"),
        ('{"fatigue": "0.5"}', "not a number"),
        ('{"fatigue": true}', "not a number"),
        ('{"fatigue": null}', "not a number"),
        ('{"danger_sign": true}', "write 1 for yes and 0 for no"),
        ('{"fatigue": {"value": 0.5}}', "neither a number nor of the form"),
        ('{"fever_value": {"value": 310, "unit": "K"}}', "'K'; use one of C, °C, F, °F"),
        ('{"fever_value": {"value": "98.6", "unit": "F"}}', "not a number"),
        ('{"fever_value": {"value": 98.6, "unit": null}}', "neither a number nor of the form"),
        ('{"fatigue": NaN}', "not a finite number"),
        ('{"fatigue": 1e999}', "not a finite number"),
    ],
)
def test_bad_files_name_the_file(tmp_path, text, reason):
    path = write(tmp_path, text)
    with pytest.raises(SymptomError, match=reason) as caught:
        read_symptoms(path)
    assert "symptoms.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "stated", "value"),
    [
        ("fever_value", '{"value": 98.6, "unit": "F"}', 37),
        ("fever_value", '"98.6F"', 37),
        ("fever_value", '{"value": 37, "unit": "C"}', 37),
        ("fever_duration", '{"value": 36, "unit": "hours"}', 1.5),
        ("pulse", '{"value": 80, "unit": "/min"}', 80),
    ],
)
def test_a_stated_unit_is_read_as_in_a_file_of_visits(tmp_path, name, stated, value):
    path = write(tmp_path, f'{{"{name}": {stated}}}')
    assert read_symptoms(path) == {name: pytest.approx(value)}


def test_a_yes_or_no_that_is_true_is_told_how_to_write_it():
    with pytest.raises(SymptomError, match="write 1 for yes and 0 for no"):
        check_inputs({"danger_sign": True})
    with pytest.raises(SymptomError, match=r"write it like 38\.5"):
        check_inputs({"pulse": True})


def test_byte_order_mark_is_read(tmp_path):
    assert read_symptoms(write(tmp_path, '\ufeff{"fatigue": 0.5}')) == {"fatigue": 0.5}


def test_size_limit(tmp_path):
    text = '{"fatigue": 0.5}'
    full = 64 * 1024
    assert read_symptoms(write(tmp_path, text.ljust(full))) == {"fatigue": 0.5}
    with pytest.raises(SymptomError, match="larger than 64 KiB"):
        read_symptoms(write(tmp_path, text.ljust(full + 1)))


@pytest.mark.parametrize("name", ["absent.json", ".", "nul\0l"])
def test_unreadable_paths(tmp_path, name):
    with pytest.raises(SymptomError, match="cannot be read"):
        read_symptoms(tmp_path / name)


@given(st.text(max_size=80))
def test_messages_stay_on_one_short_line(text):
    attempts = (
        lambda: check_symptoms({f"?{text}": 0.5}, required=[]),
        lambda: parse_symptoms([f"={text}"]),
        lambda: parse_symptoms([f"{text}?=x{text}"]),
        lambda: parse_symptoms([f"?{text}=1", f"?{text}=1"]),
    )
    for attempt in attempts:
        with pytest.raises(SymptomError) as caught:
            attempt()
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 400
