"""One patient by the guideline rules, as a clinician sees it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.catalogue import to_sentence, to_sentences
from pneumoscope.errors import InputError, SymptomError
from pneumoscope.findings import Bounds, PatientContext, SeverityLevel
from pneumoscope.severity import INPUTS, SYMPTOMS, PatientNotCoveredError, assess

NEGLIGIBLE, MILD, MODERATE, SEVERE = LEVELS = tuple(SeverityLevel)
ADULT = PatientContext(50, "M")
RATED = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 36.8, "oxygen_level": 98.0}
MEASURED = {"respiratory_rate": 16.0, "systolic_pressure": 120.0}
HEALTHY = RATED | MEASURED
CHILD = RATED | {"respiratory_rate": 28, "chest_indrawing": 0, "danger_sign": 0}
ASKED = sorted(HEALTHY)  # of every adult
PATIENTS = st.fixed_dictionaries(
    {n: st.floats(s.minimum, s.maximum) for n, s in SYMPTOMS.items()}
    | {n: st.floats(INPUTS[n].minimum, INPUTS[n].maximum) for n in MEASURED},
    optional={"urea": st.floats(INPUTS["urea"].minimum, INPUTS["urea"].maximum)},
)
# Yes and no are tested by themselves; the rest is drawn over the range of the possible.
REST = {
    n: s
    for n, s in INPUTS.items()
    if s.unit != "yes 1, no 0" and n not in ("systolic_pressure", "diastolic_pressure")
}
IMAGES = st.floats(0, 1).flatmap(
    lambda p: st.floats(0, 1).map(
        lambda q: {"PNEUMONIA": p, "ABNORMAL": (1 - p) * q, "NORMAL": (1 - p) * (1 - q)}
    )
)


def level(symptoms, *, image=None, age=50):
    return assess(symptoms, probabilities=image, patient=PatientContext(age)).level


@given(IMAGES, st.floats(18, 100))
def test_a_healthy_adult_is_negligible_whatever_the_image(image, age):
    result = assess(HEALTHY, probabilities=image, patient=PatientContext(age))
    assert (result.level, result.score) == (NEGLIGIBLE, 0)


@given(IMAGES, st.floats(2 / 12, 4.99))
def test_a_healthy_child_is_negligible_whatever_the_image(image, age):
    result = assess(CHILD, probabilities=image, patient=PatientContext(age))
    assert (result.level, result.score) == (NEGLIGIBLE, 0)


@pytest.mark.parametrize("image", [None, {"PNEUMONIA": 0.0}, {"PNEUMONIA": 1.0}])
def test_a_textbook_septic_patient_is_severe(image):
    septic = HEALTHY | {
        "breathlessness": 0.9,
        "cough_severity": 0.5,
        "confusion": 0.7,
        "fever_value": 39.6,
        "oxygen_level": 87.0,
    }
    assert level(septic, image=image) is SEVERE
    measured = septic | {"respiratory_rate": 34, "systolic_pressure": 82, "pulse": 135}
    assert level(measured | {"oxygen_level": 96.0}, image=image) is SEVERE


@pytest.mark.parametrize(
    ("signs", "age", "expected"),
    [
        ({"cough_severity": 0.4, "sputum_production": 0.3}, 30, MILD),
        ({"fever_value": 38.4}, 30, MILD),
        ({"fever_value": 35.8}, 30, MILD),
        ({"fever_value": 34.9}, 30, MODERATE),
        ({"confusion": 0.4}, 30, MODERATE),
        ({"oxygen_level": 91}, 30, MODERATE),
        ({"oxygen_level": 84}, 30, SEVERE),
        ({"hemoptysis": 0.7}, 30, MODERATE),
        ({"respiratory_rate": 31}, 30, MODERATE),
        ({"cough_severity": 0.4, "pulse": 101}, 30, MILD),
        ({"cough_severity": 0.4, "pulse": 90}, 30, NEGLIGIBLE),
        ({"systolic_pressure": 85, "confusion": 0.5}, 66, SEVERE),
        ({"urea": 9, "confusion": 0.5, "respiratory_rate": 32}, 40, SEVERE),
        ({"systolic_pressure": 230}, 40, MODERATE),
    ],
)
def test_adult_cases(signs, age, expected):
    assert level(HEALTHY | signs, age=age) is expected


@pytest.mark.parametrize(
    ("signs", "age", "expected"),
    [
        ({"cough_severity": 0.4}, 3, MILD),
        ({"cough_severity": 0.4, "respiratory_rate": 40}, 3, MODERATE),
        ({"cough_severity": 0.4, "respiratory_rate": 40}, 0.8, MILD),
        ({"cough_severity": 0.4, "respiratory_rate": 50}, 0.8, MODERATE),
        ({"cough_severity": 0.4, "chest_indrawing": 1}, 3, MODERATE),
        ({"cough_severity": 0.4, "danger_sign": 1}, 3, SEVERE),
        ({"stridor": 1}, 3, SEVERE),
        ({"oxygen_level": 89}, 3, SEVERE),
        ({"fever_value": 38.0}, 3, MILD),
        ({"fever_value": 35.4}, 3, MODERATE),
    ],
)
def test_child_cases(signs, age, expected):
    assert level(CHILD | signs, age=age) is expected


def test_the_image_settles_a_borderline_case():
    coughing = HEALTHY | {"cough_severity": 0.5}
    assert level(coughing, image={"PNEUMONIA": 0.05}) is NEGLIGIBLE
    assert level(coughing, image={"PNEUMONIA": 0.9}) is MILD
    old = assess(coughing, probabilities={"PNEUMONIA": 0.9}, patient=PatientContext(75))
    assert (old.image.level_without, old.image.level_with) == (NEGLIGIBLE, MODERATE)
    assert any(
        "changes the level from negligible to moderate" in line for line in to_sentences(old.trace)
    )
    assert old.scores != old.adjusted


@settings(max_examples=40)
@given(PATIENTS, IMAGES)
def test_an_assessment_agrees_with_itself(symptoms, image):
    result = assess(symptoms, probabilities=image, patient=ADULT)
    truths = [result.adjusted[one] for one in LEVELS]
    assert truths == sorted(truths, reverse=True)
    assert truths[0] == 1
    assert result.score == pytest.approx(sum(truths[1:]))
    assert result.fired
    for one in LEVELS[1:]:
        strengths = [rule.strength for rule in result.fired if rule.level >= one]
        rules = [r.strength for r in result.fired if LEVELS.index(r.level) >= LEVELS.index(one)]
        assert result.adjusted[one] == max(rules, default=0), strengths
    assert result.image.score_with == result.score >= result.image.score_without
    assert to_sentence(result.trace[-1]).startswith(f"Severity: {result.level}")
    assert all(one.change > 0 for one in result.influences)
    for line in to_sentences(result.trace):
        assert "\n" not in line
        assert line[0].isupper()


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {}, optional={n: st.floats(s.minimum, s.maximum) for n, s in REST.items()}
    ),
    st.one_of(st.floats(2 / 12, 4.99), st.floats(18, 120)),
)
def test_whatever_is_given_something_fires_and_the_default_only_where_there_is_room(symptoms, age):
    result = assess(symptoms, patient=PatientContext(age))
    strengths = {rule.rule: rule.strength for rule in result.fired}
    assert strengths
    assert strengths.get("N0", 0) == pytest.approx(1 - result.adjusted[MILD])


@settings(max_examples=40)
@given(PATIENTS, st.data())
def test_missing_symptoms_leave_an_interval_that_holds_every_answer(symptoms, data):
    gone = data.draw(st.sets(st.sampled_from(ASKED), max_size=3))
    rest = {n: v for n, v in symptoms.items() if n not in gone}
    partly, whole = assess(rest, patient=ADULT), assess(symptoms, patient=ADULT)
    interval = partly.interval
    assert set(interval.missing) == gone
    assert interval.least_score - 1e-9 <= whole.score <= interval.most_score + 1e-9
    assert LEVELS.index(interval.least) <= LEVELS.index(whole.level) <= LEVELS.index(interval.most)
    assert partly.level is interval.least
    if interval.least is not interval.most:
        assert partly.borderline


def test_a_hypercapnic_target_is_met_from_88_to_92_and_judged_below_and_above_it():
    """The second SpO2 scale of NEWS2, whole per cent by whole per cent."""
    target = HEALTHY | {"hypercapnic_target": 1}
    for oxygen, expected in {
        (): {79: SEVERE, 80: SEVERE, 83: MODERATE, 86: MILD, 87: MILD, 96: NEGLIGIBLE},
        ("oxygen_therapy",): {87: MILD, 90: MILD, 93: MILD, 95: MILD, 97: MODERATE, 100: MODERATE},
    }.items():
        therapy = dict.fromkeys(oxygen, 1)
        for value, one in expected.items():
            assert level(target | therapy | {"oxygen_level": value}) is one, (oxygen, value)
    for value in range(88, 101):
        result = assess(target | {"oxygen_level": value}, patient=ADULT)
        assert (result.level, result.score) == (NEGLIGIBLE, 0), value
    without = assess(HEALTHY | {"oxygen_level": 90}, patient=ADULT)
    assert without.level is MODERATE


@settings(max_examples=60)
@given(PATIENTS, st.integers(0, 1), st.floats(20, 92), IMAGES)
def test_a_hypercapnic_target_never_makes_a_low_spo2_count_for_more(symptoms, oxygen, spo2, image):
    found = symptoms | {"oxygen_level": spo2, "oxygen_therapy": oxygen}
    usual, other = (
        assess(found | {"hypercapnic_target": yes}, probabilities=image, patient=ADULT)
        for yes in (0, 1)
    )
    assert other.score <= usual.score
    assert usual == assess(found, probabilities=image, patient=ADULT)


def test_a_hypercapnic_target_is_told_with_its_guideline_and_its_own_slopes():
    found = HEALTHY | {"oxygen_level": 86, "hypercapnic_target": 1}
    result = assess(found, patient=ADULT)
    (note,) = (line for line in to_sentences(result.trace) if "second scale of NEWS2" in line)
    assert "88 to 92 %" in note
    assert "Royal College of Physicians 2017, BTS oxygen 2017" in note
    assert not any("Not counted" in line for line in to_sentences(result.trace))
    assert "oxygen_level" not in {graded.name for graded in result.inputs}
    (influence,) = result.influences
    assert (influence.name, influence.healthy, influence.level_without) == (
        "oxygen_level",
        90,
        NEGLIGIBLE,
    )
    high = assess(found | {"oxygen_level": 97}, patient=ADULT)
    assert any("Not given: oxygen therapy" in line for line in to_sentences(high.trace))
    unset = assess(HEALTHY | {"hypercapnic_target": 0}, patient=ADULT)
    assert not any(
        "second scale" in line or "Not counted" in line for line in to_sentences(unset.trace)
    )
    child = assess(CHILD | {"hypercapnic_target": 1}, patient=PatientContext(3))
    assert "Not counted by these rules: hypercapnic target." in to_sentences(child.trace)


def test_a_missing_spo2_with_a_hypercapnic_target_is_thought_at_both_ends():
    rest = {n: v for n, v in HEALTHY.items() if n != "oxygen_level"} | {"hypercapnic_target": 1}
    for oxygen in (0, 1):
        found = rest | {"oxygen_therapy": oxygen, "respiratory_rate": 22}
        interval = assess(found, patient=ADULT).interval
        for spo2 in range(70, 101):
            whole = assess(found | {"oxygen_level": spo2}, patient=ADULT).score
            assert interval.least_score <= whole <= interval.most_score


def test_a_missing_temperature_is_thought_at_both_ends_and_between():
    rest = {n: v for n, v in HEALTHY.items() if n != "fever_value"}
    interval = assess(rest, patient=ADULT).interval
    assert (interval.least, interval.most) == (NEGLIGIBLE, MODERATE)
    # A fever alone is mild; only a chill of 35 °C is worse.
    assert level(HEALTHY | {"fever_value": 41.0}) is MILD


@pytest.mark.parametrize("age", [50, 3])
def test_without_any_symptom_everything_is_open(age):
    interval = assess({}, patient=PatientContext(age)).interval
    assert (interval.least, interval.most) == (NEGLIGIBLE, SEVERE)


def test_missing_symptoms_that_cannot_matter_leave_one_level():
    critical = {"oxygen_level": 80.0}
    interval = assess(critical, patient=ADULT).interval
    assert interval.least is interval.most is SEVERE
    assert set(interval.missing) == {*ASKED} - {"oxygen_level"}


@pytest.mark.parametrize("gone", [*MEASURED])
def test_an_adults_breathing_and_pressure_open_the_level_until_they_are_measured(gone):
    """Three points of NEWS2, and one of CRB-65, that nobody looked for."""
    assert level(HEALTHY, age=70) is NEGLIGIBLE
    partly = {name: value for name, value in HEALTHY.items() if name != gone}
    result = assess(partly, patient=PatientContext(70))
    assert result.interval.missing == (gone,)
    assert (result.interval.least, result.interval.most) == (NEGLIGIBLE, MODERATE)
    assert to_sentence(result.trace[-1]).startswith("Severity: negligible to moderate until")


def test_the_worst_that_nobody_measured_is_within_what_is_left_open():
    old = PatientContext(70)
    bad = {"respiratory_rate": 32, "systolic_pressure": 85}
    interval = assess(RATED, patient=old).interval
    assert interval.missing == tuple(MEASURED)
    assert interval.most is SEVERE is assess(RATED | bad, patient=old).level


def test_what_each_missing_value_could_do_alone_is_told_the_worst_first():
    rest = {n: v for n, v in RATED.items() if n != "fever_duration"}
    result = assess(rest, patient=PatientContext(40))
    (alone,) = (line for line in to_sentences(result.trace) if line.startswith("As bad as can be"))
    # Days of fever without a cough change nothing, so measuring the other two is what counts.
    assert alone.endswith("raise it: respiratory rate (moderate), systolic pressure (moderate).")
    assert "fever_duration" in result.interval.missing
    for name, worst in (("respiratory_rate", 30), ("systolic_pressure", 90)):
        assert level(rest | {name: worst}, age=40) is MODERATE


def test_a_fever_is_long_from_more_than_four_days():
    coughing = HEALTHY | {"cough_severity": 0.5, "fever_value": 37.0}
    strengths = [
        {rule.rule: rule.strength for rule in assess(case, patient=ADULT).fired}.get("L2", 0)
        for case in (coughing | {"fever_duration": days} for days in (3, 4, 4.5, 5, 30))
    ]
    assert strengths == [0, 0, 0.5, 1, 1]


@settings(max_examples=40)
@given(PATIENTS, st.data())
def test_the_sentences_say_still_where_a_level_stays_and_at_least_where_it_is_open(symptoms, data):
    gone = data.draw(st.sets(st.sampled_from(ASKED), max_size=2))
    rest = {n: v for n, v in symptoms.items() if n not in gone}
    result = assess(rest, patient=ADULT)
    told = [line for line in to_sentences(result.trace) if "to the score: if it were" in line]
    is_open = result.interval.least is not result.interval.most
    assert len(told) == len(result.influences)
    for line, one in zip(told, result.influences, strict=True):
        assert ("would still be" in line) is (one.level_without is result.level)
        assert ("at least" in line) is is_open
        assert line.endswith(f"{one.level_without}.")


@settings(max_examples=40)
@given(PATIENTS)
def test_turning_points_turn(symptoms):
    result = assess(symptoms, patient=ADULT)
    for one in result.turning_points:
        moved = assess(symptoms | {one.name: one.value}, patient=ADULT)
        assert moved.level is one.level is not result.level


@settings(max_examples=40)
@given(PATIENTS)
def test_influences_are_what_a_normal_value_takes_away(symptoms):
    result = assess(symptoms, patient=ADULT)
    for one in result.influences:
        if one.name == "age":
            continue
        without = assess(symptoms | {one.name: one.healthy}, patient=ADULT)
        assert result.score - without.score == pytest.approx(one.change)
        assert without.level is one.level_without


def test_possible_values_beyond_the_range_count_as_its_end_and_are_told():
    worst = HEALTHY | {"oxygen_level": 75.0, "fever_value": 43.0, "fever_duration": 60.0}
    result = assess(worst, patient=ADULT)
    assert result.level is SEVERE
    told = [line for line in to_sentences(result.trace) if "is beyond" in line]
    assert len(told) == 3
    assert result.score == assess(worst | {"oxygen_level": 80.0}, patient=ADULT).score


@pytest.mark.parametrize(
    "symptoms",
    [
        {"oxygen_level": 101.0},
        {"oxygen_level": 0.97},
        {"fever_value": 98.6},
        {"fever_value": 3.7},
        {"breathlessness": 7},
        {"respiratory_rate": -1},
        {"oxygen_therapy": 0.5},
        {"systolic_pressure": 80, "diastolic_pressure": 120},
        {"comorbidity": 0, "heart_failure": 1},
        {"wheeze": 1},
    ],
)
def test_the_impossible_is_refused_in_one_line(symptoms):
    with pytest.raises(SymptomError) as caught:
        assess(symptoms, patient=ADULT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("age", "words"),
    [(None, "needs the patient's age"), (5, "age of 5"), (17.9, "5 to 17"), (0.1, "2 months")],
)
def test_ages_that_no_guideline_covers_are_refused_in_one_line(age, words):
    with pytest.raises(PatientNotCoveredError, match=words) as caught:
        assess(HEALTHY, patient=PatientContext(age))
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, InputError)


def test_adult_rules_are_not_used_for_a_child_nor_the_other_way_round():
    fast = CHILD | {"cough_severity": 0.4, "respiratory_rate": 36}
    assert "M1" in {rule.rule for rule in assess(fast, patient=ADULT).fired}
    child = {rule.rule for rule in assess(fast, patient=PatientContext(3)).fired}
    assert child == {"M2", "L1", "L4"}


@pytest.mark.parametrize(
    ("healthy", "age", "more", "said"),
    [
        (CHILD, 3, {"pulse": 220, "systolic_pressure": 50}, "systolic pressure, pulse."),
        (HEALTHY, 50, {"stridor": 1, "cancer": 1, "pulse": 80}, "stridor."),
    ],
)
def test_a_given_value_that_no_rule_asks_for_is_told(healthy, age, more, said):
    def told(symptoms):
        trace = to_sentences(assess(symptoms, patient=PatientContext(age)).trace)
        return [line for line in trace if line.startswith("Not counted")]

    assert told(healthy) == []
    assert told(healthy | more) == [f"Not counted by these rules: {said}"]


def test_an_illness_that_psi_names_is_a_comorbidity():
    ill = HEALTHY | {"cough_severity": 0.5, "heart_failure": 1}
    image = {"PNEUMONIA": 0.9}
    assert level(ill, image=image) is MODERATE
    assert level(ill | {"heart_failure": 0}, image=image) is MILD


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_a_probability_outside_is_refused(value):
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        assess(HEALTHY, probabilities={"PNEUMONIA": value}, patient=ADULT)


def test_a_model_without_pneumonia_counts_as_no_image():
    assert assess(HEALTHY, probabilities={"TB": 1.0}, patient=ADULT).image is None


@pytest.mark.parametrize("rule_base", ["guideline", "baral2025"])
def test_personal_bounds_stand_beside_the_level_and_never_replace_it(rule_base):
    ill = (HEALTHY if rule_base == "guideline" else RATED) | {
        "breathlessness": 0.95,
        "oxygen_level": 88.0,
        "cough_severity": 0.5,
    }
    usual = Bounds({"breathlessness": (0.9, 1.0), "oxygen_level": (86.0, 90.0)}, rule_base, 12)
    plain = assess(ill, patient=ADULT, rule_base=rule_base)
    within = assess(ill, patient=ADULT, rule_base=rule_base, bounds=usual)
    assert (within.level, within.score) == (plain.level, plain.score)
    assert plain.personal is None
    assert within.personal.visits == 12
    whole = Bounds({n: (s.minimum, s.maximum) for n, s in SYMPTOMS.items()}, rule_base, 3)
    same = assess(ill, patient=ADULT, rule_base=rule_base, bounds=whole).personal
    if rule_base == "guideline":
        assert (same.level, same.score) == (plain.level, plain.score)


@settings(max_examples=40)
@given(PATIENTS, st.data())
def test_missing_symptoms_leave_the_personal_level_open_too(symptoms, data):
    gone = data.draw(st.sets(st.sampled_from(ASKED), max_size=3))
    ends = {}
    for name, symptom in SYMPTOMS.items():
        low = data.draw(st.floats(0, 0.5)) * (symptom.maximum - symptom.minimum) + symptom.minimum
        ends[name] = (low, low + 0.5 * (symptom.maximum - symptom.minimum))
    usual = Bounds(ends, "guideline", 8)
    rest = {n: v for n, v in symptoms.items() if n not in gone}
    partly, whole = (assess(s, patient=ADULT, bounds=usual).personal for s in (rest, symptoms))
    assert whole.most is whole.level
    places = [LEVELS.index(one) for one in (partly.level, whole.level, partly.most)]
    assert places == sorted(places)


def test_bounds_of_another_rule_base_are_refused():
    with pytest.raises(InputError, match="made for baral2025"):
        assess(HEALTHY, patient=ADULT, bounds=Bounds({}, "baral2025", 0))
