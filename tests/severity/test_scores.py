"""The bedside scores against their published tables, cell by cell, and their bounds."""

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentence
from pneumoscope.findings import PatientContext, SeverityLevel
from pneumoscope.severity import INPUTS, SYMPTOMS, assess
from pneumoscope.severity.scores import (
    bedside_scores,
    compare,
    crb65,
    curb65,
    fast_breathing,
    imci,
    news2,
    psi,
)

NEGLIGIBLE, MILD, MODERATE, SEVERE = SeverityLevel

# Per criterion: the least bad value that counts, the worst that does not, and its points.
CURB65 = {
    "confusion": ((0.3, 0.299), 1),
    "urea": ((7.01, 7.0), 1),
    "respiratory_rate": ((30, 29), 1),
    "age": ((65, 64), 1),
}
PRESSURES = {(90, 61): 0, (89, 61): 1, (90, 60): 1, (89, 60): 1}
RISK_CURB65 = ["low", "low", "intermediate", "high", "high", "high"]
RISK_CRB65 = ["low", "intermediate", "intermediate", "high", "high"]


def cells(table):
    """Every choice of one value per criterion, with its points."""
    for picks in itertools.product((0, 1), repeat=len(table)):
        known, points = {}, 0
        for (name, (ends, gain)), pick in zip(table.items(), picks, strict=True):
            known[name] = ends[1 - pick]
            points += gain * pick
        yield known, points


def test_every_cell_of_curb65_and_crb65():
    count = 0
    for known, points in cells(CURB65):
        for (systolic, diastolic), low in PRESSURES.items():
            full = known | {"systolic_pressure": systolic, "diastolic_pressure": diastolic}
            curb = curb65(full)
            assert (curb.least, curb.most, curb.missing) == (points + low, points + low, ())
            assert curb.least_class == curb.most_class == f"{RISK_CURB65[points + low]} risk"
            crb_points = points + low - (known["urea"] > 7)
            crb = crb65(full)
            assert (crb.least, crb.most) == (crb_points, crb_points)
            assert crb.least_class == f"{RISK_CRB65[crb_points]} risk"
            count += 1
    assert count == 64


NEWS2 = {
    "respiratory_rate": {3: [0, 8, 25, 60], 1: [9, 11], 0: [12, 20], 2: [21, 24]},
    "oxygen_level": {3: [60, 91], 2: [92, 93], 1: [94, 95], 0: [96, 100]},
    "systolic_pressure": {3: [40, 90, 220, 300], 2: [91, 100], 1: [101, 110], 0: [111, 219]},
    "pulse": {3: [20, 40, 131, 200], 1: [41, 50, 91, 110], 0: [51, 90], 2: [111, 130]},
    "fever_value": {3: [30, 35.0], 1: [35.1, 36.0, 38.1, 39.0], 0: [36.1, 38.0], 2: [39.1, 42]},
    "confusion": {0: [0, 0.2], 3: [0.3, 1]},
    "oxygen_therapy": {0: [0], 2: [1]},
}
SCALE_2 = {
    0: {3: [60, 83], 2: [84, 85], 1: [86, 87], 0: [88, 92, 93, 100]},
    1: {3: [60, 83, 97, 100], 2: [84, 85, 95, 96], 1: [86, 87, 93, 94], 0: [88, 92]},
}


def news2_class(points, *, red):
    if points >= 7:
        return "high risk"
    if points >= 5:
        return "medium risk"
    return "low-medium risk (3 points for one sign)" if red else "low risk"


def test_every_cell_of_news2():
    bands = [
        [(value, points) for points, values in band.items() for value in values]
        for band in NEWS2.values()
    ]
    # Each cell of the table against all points of the others, by one value of each.
    ones = [
        {points: values[0] for points, values in band.items()}.items() for band in NEWS2.values()
    ]
    for chosen, band in enumerate(bands):
        for value, points in band:
            rest = [list(one) for i, one in enumerate(ones) if i != chosen]
            for picks in itertools.islice(itertools.product(*rest), 0, None, 7):
                values = [pick[1] for pick in picks]
                gains = [pick[0] for pick in picks]
                values.insert(chosen, value)
                gains.insert(chosen, points)
                score = news2(dict(zip(NEWS2, values, strict=True)))
                assert score.least == score.most == sum(gains)
                assert score.least_class == news2_class(sum(gains), red=3 in gains)


@pytest.mark.parametrize("oxygen", [0, 1])
def test_every_cell_of_news2_scale_2(oxygen):
    normal = {name: band[0][0] for name, band in NEWS2.items() if 0 in band}
    for points, values in SCALE_2[oxygen].items():
        for value in values:
            known = normal | {"oxygen_level": value, "oxygen_therapy": oxygen}
            score = news2(known | {"hypercapnic_target": 1})
            assert score.least == score.most == points + 2 * oxygen, value


PSI = {
    "confusion": ((0.3, 0.299), 20),
    "respiratory_rate": ((30, 29), 20),
    "systolic_pressure": ((89, 90), 20),
    "pulse": ((125, 124), 10),
    "cancer": ((1, 0), 30),
    "liver_disease": ((1, 0), 20),
    "heart_failure": ((1, 0), 10),
    "stroke": ((1, 0), 10),
    "kidney_disease": ((1, 0), 10),
    "nursing_home": ((1, 0), 10),
    "arterial_ph": ((7.34, 7.35), 30),
    "urea": ((11, 10.9), 20),
    "sodium": ((129, 130), 20),
    "glucose": ((14, 13.9), 10),
    "haematocrit": ((29, 30), 10),
    "oxygen_level": ((89, 90), 10),
    "pleural_effusion": ((1, 0), 10),
}
STEP_ONE = ("confusion", "respiratory_rate", "systolic_pressure", "pulse", "cancer")
STEP_ONE += ("liver_disease", "heart_failure", "stroke", "kidney_disease")
TEMPERATURES = {34.9: 15, 35.0: 0, 39.9: 0, 40.0: 15}


def psi_class(points):
    return next(name for name, end in CLASSES if points <= end)


CLASSES = [("class II", 70), ("class III", 90), ("class IV", 130), ("class V", math.inf)]


@pytest.mark.parametrize(("age", "sex"), [(50, "M"), (50, "F"), (51, "M"), (60, "F"), (91, "M")])
def test_every_cell_of_psi(age, sex):
    start = age if sex == "M" else age - 10
    for i, (known, points) in enumerate(cells(PSI)):
        if i % 31:  # every value of every criterion, and a spread of their 131,072 choices
            continue
        for temperature, hot in TEMPERATURES.items():
            score = psi(known | {"age": age, "fever_value": temperature}, sex)
            assert score.least == score.most == start + points + hot
            found = any(known[name] == PSI[name][0][0] for name in STEP_ONE) or hot
            first = age <= 50 and not found
            expected = "class I" if first else psi_class(start + points + hot)
            assert score.least_class == score.most_class == expected


def test_each_line_of_psi_alone():
    healthy = {name: ends[1] for name, (ends, _) in PSI.items()} | {"age": 60, "fever_value": 37}
    for name, (ends, points) in PSI.items():
        assert psi(healthy | {name: ends[0]}, "M").least == 60 + points, name


IMCI = ("danger_sign", "stridor", "oxygen_level", "chest_indrawing", "respiratory_rate")


@pytest.mark.parametrize(("age", "limit"), [(2 / 12, 50), (0.99, 50), (1, 40), (4.99, 40)])
def test_every_cell_of_the_who_class(age, limit):
    assert fast_breathing(age) == limit
    for danger, stridor, low, indrawing, fast in itertools.product((0, 1), repeat=5):
        values = (danger, stridor, 89 if low else 90, indrawing, limit if fast else limit - 1)
        known = dict(zip(IMCI, values, strict=True)) | {"age": age, "cough_severity": 0.5}
        expected = 2 if danger or stridor or low else 1 if indrawing or fast else 0
        score = imci(known)
        assert (score.least, score.most, score.missing) == (expected, expected, ())


def test_the_who_class_is_for_cough_or_difficult_breathing():
    assert imci({"age": 2, "cough_severity": 0, "breathlessness": 0}) is None
    assert imci({"age": 2, "cough_severity": 0}) is not None


KNOWN = st.fixed_dictionaries(
    {"age": st.floats(18, 110)},
    optional={
        name: st.sampled_from([0, 1])
        if s.unit == "yes 1, no 0"
        else st.floats(s.minimum, s.maximum)
        for name, s in INPUTS.items()
    },
)


@given(KNOWN, st.sampled_from(["M", "F", None]), st.data())
def test_bounds_hold_whatever_is_missing(known, sex, data):
    """Any completion of what is known scores within the bounds of what is known."""
    full = dict(known)
    for name, s in INPUTS.items():
        yes_no = s.unit == "yes 1, no 0"
        options = st.sampled_from([0, 1]) if yes_no else st.floats(s.minimum, s.maximum)
        full.setdefault(name, data.draw(options))
    if "comorbidity" not in known:
        full["comorbidity"] = 1
    if "hypercapnic_target" not in known:
        full["hypercapnic_target"] = 0
    for give in (curb65, crb65, news2, lambda k: psi(k, sex or "M") if k is full else psi(k, sex)):
        partly, whole = give(known), give(full)
        assert partly.least <= whole.least == whole.most <= partly.most
        assert set(whole.levels) <= set(partly.levels)
        assert whole.missing == ()


def test_scores_are_for_the_ages_they_were_made_for():
    names = {age: [s.name for s in bedside_scores({"age": age})] for age in (0.1, 3, 10, 18, 75)}
    adult = ["CURB-65", "CRB-65", "NEWS2"]
    assert names == {0.1: [], 3: ["WHO IMCI"], 10: [], 18: adult, 75: [*adult, "PSI"]}


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (NEGLIGIBLE, "less severe"),
        (MILD, "less severe"),
        (MODERATE, "agrees"),
        (SEVERE, "more severe"),
    ],
)
def test_agreement_is_said_in_words(level, words):
    known = {"confusion": 0.5, "urea": 9, "respiratory_rate": 20, "age": 40}
    score = curb65(known | {"systolic_pressure": 120, "diastolic_pressure": 80})
    assert score.least_class == "intermediate risk"
    assert words in to_sentence(compare(score, level).agreement)


def test_a_score_with_gaps_names_them_and_is_not_called_an_agreement():
    said = to_sentence(compare(curb65({"confusion": 0.5, "age": 70}), MODERATE).agreement)
    assert said.startswith("CURB-65 2 to 5: intermediate risk to high risk (not known: ")
    assert "does not contradict" in said


def test_where_nothing_could_contradict_nothing_is_claimed():
    """Every class, or every level, is still possible: say what to measure instead."""
    unknown = to_sentence(compare(curb65({"confusion": 0.0, "age": 70}), MILD).agreement)
    assert unknown.startswith("CURB-65 1 to 4: low risk to high risk. Too little is known")
    gaps = ("respiratory rate", "systolic pressure", "diastolic pressure", "urea")
    assert unknown.endswith(f"measure or ask: {', '.join(gaps)}.")
    whole = {"confusion": 0.0, "age": 70, "respiratory_rate": 20}
    whole |= {"systolic_pressure": 120, "diastolic_pressure": 80}
    anything = to_sentence(compare(crb65(whole), NEGLIGIBLE, most=SEVERE).agreement)
    assert "Too little is known" in anything
    assert "measure" not in anything  # of the score, all is
    open_level = to_sentence(compare(crb65(whole), MILD, most=SEVERE).agreement)
    assert "The level mild to severe does not contradict it" in open_level
    many = to_sentence(compare(psi({"age": 70}, "M"), MILD).agreement)
    assert re.search(r"ask: ([\w ]+, ){4}[\w ]+ and \d+ more\.$", many)


HEALTHY = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 36.8, "oxygen_level": 98.0}
CELLS = st.fixed_dictionaries(
    {
        "confusion": st.sampled_from([0.0, 0.3, 1.0]),
        "respiratory_rate": st.integers(4, 45),
        "oxygen_level": st.integers(70, 100),
        "oxygen_therapy": st.integers(0, 1),
        "hypercapnic_target": st.integers(0, 1),
        "systolic_pressure": st.integers(60, 240),
        "pulse": st.integers(30, 180),
        "fever_value": st.integers(340, 420).map(lambda tenths: tenths / 10),
        "urea": st.sampled_from([5.0, 7.1, 12.0]),
    }
)


@given(CELLS, st.integers(18, 100))
def test_the_level_is_never_below_what_a_complete_score_says(signs, age):
    """Where every input is a cell of the published tables, the rules reach it in full."""
    symptoms = HEALTHY | signs | {"diastolic_pressure": min(70, signs["systolic_pressure"])}
    result = assess(symptoms, patient=PatientContext(age))
    order = list(SeverityLevel)
    for score in result.bedside:
        if score.name == "CRB-65" and score.least == 1 and age >= 65:
            continue  # age alone is no illness: it counts with signs of pneumonia
        if score.name != "PSI":
            assert score.least == score.most
            assert order.index(result.level) >= order.index(score.levels[0]), score


def test_too_much_oxygen_for_a_hypercapnic_target_is_severe_by_the_rules_as_by_news2():
    signs = {"respiratory_rate": 22, "systolic_pressure": 120, "pulse": 80}
    given_oxygen = {"oxygen_therapy": 1, "oxygen_level": 98, "hypercapnic_target": 1}
    result = assess(HEALTHY | signs | given_oxygen, patient=PatientContext(60))
    (score,) = (one for one in result.bedside if one.name == "NEWS2")
    assert (score.least, score.least_class) == (7, "high risk")
    assert result.level is SEVERE


@given(
    st.fixed_dictionaries(
        {
            "danger_sign": st.integers(0, 1),
            "stridor": st.integers(0, 1),
            "chest_indrawing": st.integers(0, 1),
            "oxygen_level": st.integers(80, 100),
            "respiratory_rate": st.integers(20, 70),
        }
    ),
    st.floats(2 / 12, 4.99),
)
def test_the_level_of_a_child_is_never_below_the_whos_class(signs, age):
    result = assess(HEALTHY | {"cough_severity": 0.5} | signs, patient=PatientContext(age))
    (score,) = result.bedside
    order = list(SeverityLevel)
    assert order.index(result.level) >= order.index(score.levels[0])
