"""Where a bundle's training does not cover a patient or an image."""

from __future__ import annotations

from pneumoscope.bundles import Bundle
from pneumoscope.findings import Abstention, AgeGroupChoice, PatientContext, Prediction

UNLIKE_TRAINING = "unlike_training"


def too_far(bundle: Bundle, prediction: Prediction, group: AgeGroupChoice) -> Abstention | None:
    """Refuse an image that is too unlike the training images of its age group."""
    limit = bundle.description.distance_limits.get(group.name)
    if limit is None or prediction.distance is None:
        return None
    names = [each.name for each in bundle.description.age_groups]
    distance = float(prediction.distance[names.index(group.name)])
    if distance <= limit:
        return None
    of = "" if group.chosen_by == "only" else f" of {group.name}"
    return Abstention(
        UNLIKE_TRAINING,
        f"The picture is unlike the images{of} that trained the bundle (distance {distance:.1f}, "
        f"limit {limit:.1f}), so that no figure of the bundle holds for it.",
    )


def population_warnings(
    bundle: Bundle, patient: PatientContext, group: AgeGroupChoice
) -> list[str]:
    """Say which age group was assumed, and where the training does not cover this age."""
    if group.probability is not None:
        return [
            "The patient's age is not known: by its look, the image was read as one of "
            f"{group.name} (probability {group.probability:.2f}). Give the age: calibration and "
            "thresholds depend on it, and limits of the model and of the rules can then be told."
        ]
    sets = bundle.description.training_sets
    if patient.age is None:
        if len(sets) < 2 and not any(part.absent_classes for part in sets):
            return []
        return [
            "The patient's age is not known: give it, so that limits of the model and of the rules "
            "for this age can be told."
        ]
    age = int(patient.age)
    dated = [part for part in sets if part.ages is not None]
    covering = [part for part in dated if part.ages and part.ages[0] <= age <= part.ages[1]]
    if dated and not covering:
        return [f"The bundle's training sets hardly cover patients of {age} years."]
    absent = sorted({name for part in covering for name in part.absent_classes})
    return [
        f"The bundle was trained on no image labelled {name} of patients of {age} years: another "
        "disease may be answered as one of the other classes."
        for name in absent
    ]
