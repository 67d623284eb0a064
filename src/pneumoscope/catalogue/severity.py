"""What is said of a severity: its limits, the steps to it, and the scores beside it.

In `SENTENCES` are whole ones, in `PHRASES` the parts that they are filled with.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pneumoscope.severity import REFUSALS

_WARNINGS: Mapping[str, str] = {
    "image_is_no_evidence": (
        "The severity is from the symptoms alone: its rules were written for the probability of "
        "pneumonia on a chest radiograph, which this bundle does not give."
    ),
    "image_not_read": "The severity is from the symptoms alone: the image was not read.",
    "measure_or_ask": (
        "Measure or ask: {missing:name}. Until then the level by the rule base {rule_base} may be "
        "as bad as {level:name}."
    ),
    "no_severity": "No severity: {reason}.",
    "rule_base_as_published": (
        "The rule base {rule_base} is kept as published, with its known defects: it can call an "
        "ill patient negligible. Check its points by hand."
    ),
    "rule_base_for_adults": (
        "The rule base {rule_base} was written for adults; this patient is {age:g} years old."
    ),
    "rule_base_not_reviewed": (
        "The rule base {rule_base} writes sentences of guidelines as rules. No clinician has "
        "reviewed it yet and it was not validated on patients: check its reasons."
    ),
}

_GUIDELINE: Mapping[str, str] = {
    # For whom, and what of the values counts.
    "rules_from_age": "Rules for patients from {age:g} years.",
    "rules_for_under_five": "Rules for patients from 2 months to under 5 years.",
    "spo2_by_second_scale": (
        "SpO2 is judged by the second scale of NEWS2, because a clinician set a target of 88 to "
        "92 %: below 88 % is too low, and above 92 % is too much only while oxygen is given (Royal "
        "College of Physicians 2017, BTS oxygen 2017)."
    ),
    "oxygen_therapy_not_given": (
        "Not given: oxygen therapy, so that this SpO2 is not counted as too much."
    ),
    "beyond_range": (
        "{found:Quantity} is beyond {low:g}..{high:g} {unit:name}: it counts as the end of that "
        "range. See that it was measured well."
    ),
    "not_counted": "Not counted by these rules: {names:name}.",
    # The rules.
    "rule_speaks": "{rule} speaks for {level:name} with {strength:score}: {explanation}. {because}",
    "default_rule_speaks": "{rule} speaks for {level:name} with {strength:score}: {explanation}.",
    "at_least_each_level": "At least: {truths:score}; together the score, {score:score} of 3.",
    # The image.
    "no_image": "There is no image: the level is from the symptoms alone.",
    "image_changes_level": (
        "The image changes the level from {level_without:name} to {level_with:name}: the score is "
        "{without:score} without it and {with:score} with it."
    ),
    "image_raises_score": (
        "The image raises the score from {without:score} to {with:score}; the level stays."
    ),
    "image_raises_score_a_little": (
        "The image raises the score by less than 0.01; the level stays."
    ),
    "image_alone_changes_nothing": (
        "The image changes nothing: alone, without a symptom, it adds nothing."
    ),
    "image_changes_nothing": "The image changes nothing: the symptoms alone say as much.",
    # What is missing.
    "missing_changes_nothing": (
        "Not given: {missing:name}. Whatever they are, the level is {level:name}."
    ),
    "missing_one_leaves_open": (
        "Not given: {missing:name}. The level lies between {least:name}, if it is normal, and "
        "{most:name}, if it is as bad as can be: measure or ask."
    ),
    "missing_leave_open": (
        "Not given: {missing:name}. The level lies between {least:name}, if they are normal, and "
        "{most:name}, if they are as bad as can be: measure or ask."
    ),
    "each_would_raise": "As bad as can be, each of these alone would raise it: {raises:|commas}.",
    "none_alone_would_raise": "None of them alone would raise it, only some together.",
    # What moved the level, and what would change it.
    "no_value_carries_score": (
        "No single value carries the score: with any one of them normal it stays."
    ),
    "value_adds": (
        "{found:Quantity} adds {change:score} to the score: if it were {healthy:g}, the level "
        "would be {level:name}."
    ),
    "value_adds_at_least": (
        "{found:Quantity} adds {change:score} to the score: if it were {healthy:g}, the level "
        "would be at least {level:name}."
    ),
    "value_adds_level_stays": (
        "{found:Quantity} adds {change:score} to the score: if it were {healthy:g}, the level "
        "would still be {level:name}."
    ),
    "value_adds_level_stays_at_least": (
        "{found:Quantity} adds {change:score} to the score: if it were {healthy:g}, the level "
        "would still be at least {level:name}."
    ),
    "no_level_turns": "No single given value, changed alone, would change the level.",
    "no_lowest_level_turns": (
        "No single given value, changed alone, would change the lowest possible level."
    ),
    "level_turns": "The level would change, all else as it is, from: {points:|semicolons}.",
    "lowest_level_turns": (
        "The lowest possible level would change, all else as it is, from: {points:|semicolons}."
    ),
    # The result.
    "personal_level": (
        "Within this patient's own bounds from {visits} visits the level would be {level:name}, "
        "score {score:score}. It stands beside the level and never replaces it: what is usual for "
        "a patient may still be illness."
    ),
    "personal_level_open": (
        "Within this patient's own bounds from {visits} visits the level would be {least:name} to "
        "{most:name}, score from {score:score}. It stands beside the level and never replaces it: "
        "what is usual for a patient may still be illness."
    ),
    "severity_given": "Severity: {level:name}, score {score:score} ({cuts:|commas}).",
    "severity_borderline": (
        "Severity: {level:name}, borderline, score {score:score} ({cuts:|commas})."
    ),
    "severity_open": (
        "Severity: {least:name} to {most:name} until what is missing is known, score "
        "{least_score:score} to {most_score:score} ({cuts:|commas})."
    ),
}

_PUBLISHED: Mapping[str, str] = {
    "value_capped": (
        "{found:Quantity} counts as {counted:g} {unit:name}: this rule base covers {low:g} to "
        "{high:g}."
    ),
    "rule_adds_points": "{rule} adds {weight:g} to {level:name}: {explanation}.",
    "rule_speaks_with_points": (
        "{rule} speaks with {points:.3g} of {weight:g} for {level:name}: {explanation}."
    ),
    "counted_as_no_term": (
        "Counted as none of {terms:name} by this rule base: {found:quantity|and}."
    ),
    "points_from_symptoms": "Points from the symptoms: {points:.3g}.",
    "points_of_strongest_rules": (
        "Points from the symptoms, of each level its strongest rule's: {points:.3g}."
    ),
    "points_of_weighted_averages": (
        "Points from the symptoms, of each level the weighted average of its rules: {points:.3g}."
    ),
    "image_adds_nothing": "The image adds nothing.",
    "image_without_fired_rule": "No rule fired, so the image has nothing to add to.",
    "image_adds_points": (
        "The image adds {contribution:.3g} points, shared in proportion to the levels' own: "
        "{added:.3g}; this cannot change their order."
    ),
    "levels_tied": ("Borderline: {levels:name|and} are tied, so the most severe of them is given."),
    "level_leads_by_little": (
        "Borderline: by the symptoms {level:name} leads {runner_up:name} by only {lead:.3g}; a "
        "clear result needs more than {margin:g}."
    ),
    "severity_as_by_bands": (
        "Severity: {level:name}, with {score:.3g} points. The bands for a single score "
        "({bands:|commas}) would call {score:.3g} points {band:name} as well."
    ),
    "severity_not_as_by_bands": (
        "Severity: {level:name}, with {score:.3g} points. The bands for a single score "
        "({bands:|commas}) would call {score:.3g} points {band:name} instead."
    ),
}

_BEDSIDE: Mapping[str, str] = {
    "level_above_score": (
        "{result}. The level {level:name} is more severe than {score} alone would say."
    ),
    "level_below_score": (
        "{result}. The level {level:name} is less severe than {score} alone would say: check why."
    ),
    "level_agrees_with_score": "{result}. The level {level:name} agrees with it.",
    "level_does_not_contradict_score": "{result}. The level {level:name} does not contradict it.",
    "score_not_comparable": "{result}. Too little is known to compare it with the level.",
    "score_not_comparable_until": (
        "{result}. Too little is known to compare it with the level; measure or ask: "
        "{missing:name}."
    ),
}

SENTENCES: Mapping[str, str] = MappingProxyType(
    {**_WARNINGS, **_GUIDELINE, **_PUBLISHED, **_BEDSIDE}
)

PHRASES: Mapping[str, str] = MappingProxyType(
    {
        **REFUSALS,
        # Why a rule of `guideline` fired.
        "at_least": "{found:quantity}: at least {term:name} ({truth:score})",
        "at_least_in_direction": (
            "{found:quantity}: {direction:name} at least {term:name} ({truth:score})"
        ),
        "conditions_all_needed": "{conditions:|commas}; all needed",
        "conditions_some_needed": "{conditions:|commas}; {needed} of {of} needed",
        "no_rule_for_more": "no rule speaks for more",
        "no_rule_fully_for_more": "no rule fully speaks for more",
        # Why a published rule fired.
        "is_term": "{found:quantity} is {term:name}",
        "is_not_term": "{found:quantity} is not {term:name}",
        "is_term_to": "{found:quantity} is {term:name} to {truth:.3g}",
        "all_must_hold": "{conditions:|and} (all must hold)",
        "one_is_enough": "{conditions:|and} (one is enough)",
        "exactly_one_may_hold": "{conditions:|and} (exactly one may hold)",
        "fires_unless_all_hold": "{conditions:|and} (fires unless all hold)",
        "fires_when_none_holds": "{conditions:|and} (fires when none holds)",
        "counts_as_least_true": "{conditions:|and} (counts as the least true)",
        "counts_as_most_true": "{conditions:|and} (counts as the most true)",
        "counts_as_most_true_less_second": (
            "{conditions:|and} (counts as the most true, at most what the second leaves)"
        ),
        "counts_as_what_least_true_leaves": (
            "{conditions:|and} (counts as what the least true leaves)"
        ),
        "counts_as_what_most_true_leaves": (
            "{conditions:|and} (counts as what the most true leaves)"
        ),
        # Levels, and what leads to them.
        "from_to": "{least:name} to {most:name}",
        "input_to_level": "{name:name} ({level:name})",
        "value_to_level": "{found:quantity} ({level:name})",
        "level_above": "{level:name} above {bound:g}",
        "level_below": "{level:name} below {bound:g}",
        "level_from": "{level:name} from {bound:g}",
        # A bedside score.
        "names_and_more": "{names:name} and {more} more",
        "score_class": "{score}: {class:name}",
        "score_class_incomplete": "{score}: {class:name} (not known: {missing:name})",
        "score_points": "{score} {points}: {class:name}",
        "score_points_incomplete": "{score} {points}: {class:name} (not known: {missing:name})",
    }
)
