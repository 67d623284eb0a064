"""What a report says of a result's numbers; no message of the result itself.

A number comes as the text by which every report writes it. In `SENTENCES` are whole ones, in
`PHRASES` parts and answers of a few words.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # What the answer means.
    "class_means": "{label} means {meaning:name}.",
    "image_against": "The image speaks against {label}.",
    "image_for": "The image speaks for {label}.",
    "image_settles_nothing": "The image alone rules {label} neither in nor out.",
    "label_not_taught": (
        "No image labelled {labels:|or} taught the model, so such a disease comes out as another "
        "class."
    ),
    "label_not_taught_in_group": (
        "No image labelled {labels:|or} of {group:name} taught the model, so such a disease comes "
        "out as another class."
    ),
    "one_class_fits": (
        "At {coverage} coverage the image fits {label} only. Of images like those the model was "
        "calibrated on, {coverage} have their true class in such a set."
    ),
    "several_classes_fit": (
        "At {coverage} coverage the image fits {labels:|or}: a reader must decide. Of images like "
        "those the model was calibrated on, {coverage} have their true class in such a set."
    ),
    # What an abstention means, and the ways out.
    "nothing_said": (
        "No class and no probability: this speaks neither for nor against any disease."
    ),
    "check_file": "Check that it is the right file, and have a radiologist read the image.",
    "give_axial_slice": "Give an axial slice of the same series.",
    "give_chest": "Give the image of the chest, or have a wrong header mended.",
    "give_frontal_view": "Give the frontal view of the same study.",
    "model_does_not_fit": "Have a radiologist read the image; this model does not fit it.",
    "right_as_it_is": "If the picture is right as it is, have a radiologist read it.",
    # The operating points.
    "rule_out_point": (
        "Rule-out point {threshold}: below it the image speaks against {label}. {rates} How it was "
        "chosen: {rule}."
    ),
    "rule_in_point": (
        "Rule-in point {threshold}: at or above it the image speaks for {label}. {rates} How it "
        "was chosen: {rule}."
    ),
    "point_rates": "It {rates:|and}.",
    "point_rates_in_card": "Its rates are in the model card (pneumoscope bundle info).",
    "between_points": "Between them the answer is indeterminate: it settles nothing on {label}.",
    "rates_measured": (
        "The rates were measured on images that neither taught nor calibrated the model, with 95% "
        "intervals. They hold for such images, not for this patient."
    ),
    "rates_measured_in_group": (
        "The rates were measured on images of {group:name} that neither taught nor calibrated the "
        "model, with 95% intervals. They hold for such images, not for this patient."
    ),
    "rates_measured_in_view": (
        "The rates were measured on images in {view} view that neither taught nor calibrated the "
        "model, with 95% intervals. They hold for such images, not for this patient."
    ),
    "rates_measured_in_group_and_view": (
        "The rates were measured on images of {group:name} in {view} view that neither taught nor "
        "calibrated the model, with 95% intervals. They hold for such images, not for this patient."
    ),
    "points_and_class_disagree": (
        "The most probable class is {predicted}: the points are set on the probability of {label} "
        "alone, not by comparing the classes."
    ),
    # How sure the network is.
    "top_probability": "Calibrated probability of the most probable class: {probability}.",
    "lead_over_next": "Its lead over the next class: {lead:.3f}.",
    "entropy": "Entropy: {entropy:.3f} (0 all on one class, 1 spread evenly).",
    "certainty_index": (
        "Certainty index: {index:.3f}. It is an index from 0 to 1, not a probability."
    ),
    "share_in_severity": "The image's share in the severity: {share:.3f} (0 to 1).",
    # Where it looks.
    "evidence_map": (
        "Evidence map of {label}: for each place the probability, 0 to 1, that radiologists would "
        "mark it there. The highest is {peak}."
    ),
    "evidence_not_outlined": (
        "Nothing is outlined: {why}. Where it is bright, do not take it for the place of a finding."
    ),
    "outlined": "Outlined: {share} of the image.",
    "evidence_checked": (
        "This map was checked against radiologists' boxes and found them better than a fixed map "
        "of where opacities usually lie. A finding may still lie elsewhere."
    ),
    "evidence_checked_for_group": (
        "For {group:name} this map was checked against radiologists' boxes and found them better "
        "than a fixed map of where opacities usually lie. A finding may still lie elsewhere."
    ),
    "grad_cam": "Grad-CAM of {label} (Baral 2025): where the network looked.",
    "grad_cam_empty": "It is empty: no region spoke for this class.",
    "grad_cam_not_checked": "Not checked for place: do not take it for the place of a finding.",
    "grad_cam_outlined": (
        "Outlined: {share} of the image. Do not take the outlined region for the place of a "
        "finding."
    ),
    "share_in_lungs": "{share} of the map lies inside the lung fields.",
    "no_pictures": (
        "The pictures are not part of a stored result: read the image again to see them."
    ),
    # The severity.
    "level_means": "{level:Name}: {meaning:name}.",
    "no_rule_fired": "No rule fired.",
    "how_terms_are_drawn": (
        "The lines are the rules' terms, from normal to the worst, 0 at the axis and 1 on top; the "
        "upright is the patient's value. What each belongs to adds up to 1."
    ),
    # The course.
    "how_trends_are_told": (
        "Burden: the mean of the symptoms found at all of these visits, as shares of their "
        "clinical ranges. p is of each alone; a symptom moves where p times the number of symptoms "
        "is 0.05 or less and the whole change 0.1 of its clinical range or more (the burden: p "
        "alone, and 0.05)."
    ),
    "level_open_at_last_visit": "Open because not given at the last visit: {missing:name}.",
    "also_given": "Also given at the last visit: {found:quantity|commas}.",
}

PHRASES: Mapping[str, str] = {
    # The result in a few words.
    "no_result": "No result from the image",
    "call": "{label}: {zone:name}",
    "most_probable_class": "most probable class, probability {probability}",
    "the_rule_out_point": "the rule-out point {threshold}",
    "the_rule_in_point": "the rule-in point {threshold}",
    "at_or_above": "probability {probability}, at or above {point}",
    "below": "probability {probability}, below {point}",
    "below_with_other_class": "probability {probability}, below {point}; most probable: {other}",
    "between": "probability {probability}, between {low} and {high}",
    "at_or_above_only_point": (
        "probability {probability}, at or above {point}; this model has no rule-in point"
    ),
    "below_only_point": (
        "probability {probability}, below {point}; this model has no rule-out point"
    ),
    "symptoms_as_entered": "As entered. Severity scale: 0 none, 1 worst imaginable",
    # As whom the image was read.
    "any_age": "any age (this model makes no difference by age)",
    "only_age_group": "{group:name} (this model reads no other age group)",
    "age_group_by_picture": (
        "{group:name} (by the picture, probability {probability}; the age was not given)"
    ),
    "age_group_by_age": "{group:name} (by the age)",
    "age_group_by_years": "{group:name} (age {age:.3g})",
    "age_group_by_months": "{group:name} (age {months} months)",
    "read_in_view": "{who}, {view} view",
    # The rates of an operating point.
    "finds": "finds {rate} of the images with {label} (sensitivity)",
    "clears": "clears {rate} of the images without {label} (specificity)",
    # A visit as it was judged then; its reasons are sentences.
    "visit_judged": (
        "Population {population}, personal {personal}: {given}. Course: {direction:name}. {reasons}"
    ),
    "visit_without_level": "No level: {note}. {reasons}",
}
