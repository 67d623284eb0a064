"""Which age group and which profile an image is read by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pneumoscope.findings import AgeGroup, AgeGroupChoice, Profile


def choose_age_group(
    age_groups: Sequence[AgeGroup],
    age: float | None,
    age_group_logits: NDArray[np.float64] | None,
) -> AgeGroupChoice:
    """Choose the age group: the patient's by the age, else the one that the picture looks like.

    Parameters
    ----------
    age_groups : sequence of AgeGroup
        At least one; together they cover every age.
    age : float or None
        Years.
    age_group_logits : ndarray of float64, shape (age groups,), or None
        Natural log scale; needed where the age is not known and there are several groups.

    Returns
    -------
    AgeGroupChoice

    Raises
    ------
    ValueError
        No group covers the age, or there is nothing to choose by.
    """
    if len(age_groups) == 1:
        return AgeGroupChoice(age_groups[0].name, "only")
    if age is not None:
        for group in age_groups:
            if group.covers(age):
                return AgeGroupChoice(group.name, "age")
        raise ValueError(f"no age group covers {age:g} years")
    if age_group_logits is None:
        raise ValueError("neither an age nor the image tells the age group")
    powers = np.exp(age_group_logits - age_group_logits.max())
    best = int(age_group_logits.argmax())
    return AgeGroupChoice(age_groups[best].name, "image", float(powers[best] / powers.sum()))


def choose_profile(profiles: Sequence[Profile], age_group: str, view: str) -> Profile:
    """Choose the profile of an age group and a view, or of any view where there is none of it.

    Parameters
    ----------
    profiles : sequence of Profile
        With one for any view of this age group.
    age_group : str
        Its name.
    view : str
        "AP" or "PA"; anything else is an unknown view.
    """
    of_view = {profile.view: profile for profile in profiles if profile.age_group == age_group}
    return of_view.get(view, of_view[""])
