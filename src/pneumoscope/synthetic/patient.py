"""The made-up patient behind a seed: random streams, age, sex."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pneumoscope.errors import InputError

MAX_SEED = 2**32 - 1


class Stream(IntEnum):
    """What a random stream is for; each is independent of all others of the same seed."""

    PATIENT = 0
    ANATOMY = 1
    NOISE = 2
    OPACITY = 3
    COURSE = 4
    CT_SLICE = 5


def check_seed(seed: int) -> None:
    """Raise `InputError` unless the seed is within 0..`MAX_SEED`."""
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"phantom seed {seed} is outside 0..{MAX_SEED}: give one within")


def stream(seed: int, purpose: Stream) -> np.random.Generator:
    """Random numbers of a seed for one purpose, unmoved by what the others have drawn."""
    return np.random.default_rng((seed, int(purpose)))


@dataclass(frozen=True, slots=True)
class MadeUpPatient:
    """An invented adult: `age` in whole years, 18 to 89; `sex` "M" or "F"."""

    age: int
    sex: str


def made_up_patient(seed: int) -> MadeUpPatient:
    """Age and sex of the patient of a seed."""
    rng = stream(seed, Stream.PATIENT)
    return MadeUpPatient(age=int(rng.integers(18, 90)), sex="F" if rng.random() < 0.5 else "M")


def patient_id(seed: int) -> str:
    """Patient identifier of a seed, in files and in tables."""
    return f"PHANTOM-{seed}"
