from pneumoscope.synthetic import DEMO_SYMPTOMS, made_up_patient
from pneumoscope.synthetic.patient import Stream, stream

# Baral 2025, 3.6: the eleven inputs and their ranges.
RANGES = {
    "breathlessness": (0, 1),
    "sputum_production": (0, 1),
    "hemoptysis": (0, 1),
    "fatigue": (0, 1),
    "appetite_loss": (0, 1),
    "confusion": (0, 1),
    "chest_pain": (0, 1),
    "cough_severity": (0, 1),
    "fever_value": (35, 42),
    "fever_duration": (0, 30),
    "oxygen_level": (80, 100),
}


def test_the_demo_has_every_symptom_within_its_range() -> None:
    assert DEMO_SYMPTOMS.keys() == RANGES.keys()
    for name, value in DEMO_SYMPTOMS.items():
        low, high = RANGES[name]
        assert low <= value <= high, name


def test_patients_are_adults_of_both_sexes_and_stay_the_same() -> None:
    patients = [made_up_patient(seed) for seed in range(200)]
    assert patients == [made_up_patient(seed) for seed in range(200)]
    assert all(18 <= patient.age <= 89 for patient in patients)
    assert 60 < sum(patient.sex == "F" for patient in patients) < 140
    assert len({patient.age for patient in patients}) > 40


def test_streams_of_one_seed_are_independent() -> None:
    draws = {purpose: stream(9, purpose).random() for purpose in Stream}
    assert len(set(draws.values())) == len(Stream)
    assert stream(9, Stream.NOISE).random() == draws[Stream.NOISE]
