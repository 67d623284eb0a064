"""What is said of the patient and of the model."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # The patient.
    "age_computed": "The patient's age was computed from the dates in the header.",
    "age_differs": (
        "The age given ({given:g}) is not the header's ({header:g}): is this the right patient's "
        "image?"
    ),
    "age_not_valid": "The patient's age in the header is not valid and was ignored.",
    "age_unit_not_stated": ("The patient's age in the header has no unit; it was taken as years."),
    "sex_differs": (
        "The sex given ({given}) is not the header's ({header}): is this the right patient's image?"
    ),
    "sex_not_valid": "The patient's sex in the header is not valid and was ignored.",
    "age_assumed": (
        "The patient's age is not known: by its look, the image was read as one of {group} "
        "(probability {probability:.2f}). Give the age: calibration and thresholds depend on it, "
        "and limits of the model and of the rules can then be told."
    ),
    "age_not_known": (
        "The patient's age is not known: give it, so that limits of the model and of the rules for "
        "this age can be told."
    ),
    # The model.
    "age_not_covered": "The bundle's training sets hardly cover patients of {age} years.",
    "class_not_trained": (
        "The bundle was trained on no image labelled {label} of patients of {age} years: another "
        "disease may be answered as one of the other classes."
    ),
    "must_not_be_used": "The bundle {bundle} must not be used: {uses}.",
    "same_bundle": "a and b are the same bundle: every difference is 0.",
    "split_leaks": (
        "The bundle {bundle} {version} was trained on a split that leaks ({leaks}): the figures in "
        "its card are too good."
    ),
    "identical_in_training": (
        "{identical} of {images} images were in the bundle's own training: the figures flatter it. "
        "`overlap` in the JSON names them."
    ),
    "near_in_training": (
        "{near} of {images} images look like changed copies of images in the bundle's own "
        "training: the figures flatter it. `overlap` in the JSON names them."
    ),
    "identical_and_near_in_training": (
        "{identical} of {images} images were in the bundle's own training, and {near} more look "
        "like changed copies of images in it: the figures flatter it. `overlap` in the JSON names "
        "them."
    ),
    "compared_identical_in_training": (
        "{identical} of {images} images were in the training of {bundle}: the comparison flatters "
        "it. `overlap` in the JSON names them."
    ),
    "compared_near_in_training": (
        "{near} of {images} images look like changed copies of images in the training of {bundle}: "
        "the comparison flatters it. `overlap` in the JSON names them."
    ),
    "compared_identical_and_near_in_training": (
        "{identical} of {images} images were in the training of {bundle}, and {near} more look "
        "like changed copies of images in it: the comparison flatters it. `overlap` in the JSON "
        "names them."
    ),
}
