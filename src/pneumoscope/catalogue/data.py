"""What is said of a folder of labelled images."""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "column_tells_label": (
        "The column {name!r} tells the label (Cramer's V {cramers_v:.2f}): {value} is "
        "{share_of_label:.0%} of {label} and {share_of_others:.0%} of the others."
    ),
    "property_tells_label": (
        "The {name} tells the label (Cramer's V {cramers_v:.2f}): {value} is {share_of_label:.0%} "
        "of {label} and {share_of_others:.0%} of the others."
    ),
    "files_not_read": (
        "{count} files have no image ending and are not read (first: {first!r}); rename them "
        "({endings}) or list them in labels.csv."
    ),
    "identical_across_patients": (
        "Groups with identical images lie across patients: a split by patient does not part them "
        "({groups})."
    ),
    "identical_with_several_labels": (
        "Groups with identical images have different labels: at least one is wrong ({groups})."
    ),
    "nearly_identical_across_patients": (
        "Groups with nearly identical images lie across patients: candidates, look at each "
        "({groups})."
    ),
    "images_not_readable": (
        "{count} of {images} images could not be read and are in no figure, the first being "
        "{first}."
    ),
    "images_refused": (
        "{count} of {images} images would be refused by diagnose (by the header or the look of the "
        "picture, or as unlike the training); they are scored all the same."
    ),
    "intervals_without_patients": (
        "No patient is known: every image counts as its own, and the intervals are too narrow if "
        "some share one."
    ),
    "patients_with_several_labels": "{count} of {patients} patients have several labels.",
    "split_without_patients": (
        "No patient is known: a split cannot keep one patient's images together."
    ),
}
