from pneumoscope.synthetic import made_up_patient
from pneumoscope.synthetic.patient import Stream, stream


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
