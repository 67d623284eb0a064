"""How a finished network's answers are read: as the clinic's rooms will, by its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pneumoscope.decision import calibrated, choose_profile
from pneumoscope.findings import Profile
from pneumoscope.lab.training.answers import Answers
from pneumoscope.lab.training.distance import Distance


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What turns a network's answers into those of its bundle.

    Attributes
    ----------
    classes : tuple of str
        Of the logits.
    groups : tuple of str
        Names of the age groups, in the order of the heads.
    profiles : tuple of Profile
        With one for any view for each age group.
    distance : Distance or None
        None for a network without an embedding.
    limits : mapping of str to float
        By age group, the greatest distance at which an image is still read; empty without one.
    """

    classes: tuple[str, ...]
    groups: tuple[str, ...]
    profiles: tuple[Profile, ...]
    distance: Distance | None = None
    limits: Mapping[str, float] = field(default_factory=dict)

    def profile(self, group: int, view: str = "") -> Profile:
        """Return the profile of an age group and view, or that for any view where there is none."""
        return choose_profile(self.profiles, self.groups[group], view)

    def probabilities(
        self, answers: Answers, group: int | NDArray[np.int64], profile: Profile | None = None
    ) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (images, classes); 0 for a class that was not taught.

        Parameters
        ----------
        answers : Answers
        group : int or ndarray of int64, shape (images,)
            The age group that the images are read as; its head answers.
        profile : Profile or None
            By default that of the group for any view.
        """
        found = np.zeros((len(answers), len(self.classes)))
        of_image = np.broadcast_to(group, len(answers))
        for number in np.unique(of_image).tolist():
            mine = of_image == number
            chosen = profile or self.profile(number)
            found[mine] = calibrated(
                answers.logits[mine, number],
                chosen.temperature,
                np.array([chosen.biases.get(name, 0.0) for name in self.classes]),
                np.array([name in chosen.classes for name in self.classes]),
            )
        return found

    def unlike(self, answers: Answers, group: int) -> NDArray[np.bool_] | None:
        """Whether each image, shape (images,), is too unlike the training images of a group."""
        if self.distance is None or answers.embedding is None:
            return None
        distances = self.distance.of(answers.embedding)[:, group]
        return np.asarray(distances > self.limits[self.groups[group]])
