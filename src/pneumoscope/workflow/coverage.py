"""Where a bundle's training does not cover a patient or an image."""

from __future__ import annotations

from pneumoscope.bundles import Bundle
from pneumoscope.findings import (
    About,
    AgeGroupChoice,
    Message,
    PatientContext,
    Prediction,
    Value,
)

UNLIKE_TRAINING, UNLIKE_ITS_GROUP = "unlike_training", "unlike_training_of_group"


def too_far(bundle: Bundle, prediction: Prediction, group: AgeGroupChoice) -> Message | None:
    """Refuse an image that is too unlike the training images of its age group."""
    limit = bundle.description.distance_limits.get(group.name)
    if limit is None or prediction.distance is None:
        return None
    names = [each.name for each in bundle.description.age_groups]
    distance = float(prediction.distance[names.index(group.name)])
    if distance <= limit:
        return None
    values: dict[str, Value] = {"distance": distance, "limit": limit}
    if group.chosen_by == "only":
        return Message(UNLIKE_TRAINING, About.IMAGE, values)
    return Message(UNLIKE_ITS_GROUP, About.IMAGE, {**values, "group": group.name})


def population_warnings(
    bundle: Bundle, patient: PatientContext, group: AgeGroupChoice
) -> list[Message]:
    """Say which age group was assumed, and where the training does not cover this age."""
    if group.probability is not None:
        assumed: dict[str, Value] = {"group": group.name, "probability": group.probability}
        return [Message("age_assumed", About.PATIENT, assumed)]
    sets = bundle.description.training_sets
    if patient.age is None:
        if len(sets) < 2 and not any(part.absent_classes for part in sets):
            return []
        return [Message("age_not_known", About.PATIENT)]
    age = int(patient.age)
    dated = [part for part in sets if part.ages is not None]
    covering = [part for part in dated if part.ages and part.ages[0] <= age <= part.ages[1]]
    if dated and not covering:
        return [Message("age_not_covered", About.MODEL, {"age": age})]
    absent = sorted({name for part in covering for name in part.absent_classes})
    return [
        Message("class_not_trained", About.MODEL, {"label": name, "age": age}) for name in absent
    ]
