"""What is said of a patient's course.

In `SENTENCES` are whole ones, in `PHRASES` the parts that they are filled with.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "level_jumps": (
            "By the rule base {rule_base} the level jumps from visit to visit: go by the symptoms "
            "and their trends."
        ),
        # A level that is suddenly higher.
        "level_rose": "The level rose from {before:name} to {level:name}.",
        "level_rose_since": (
            "The level rose from {before:name} to {level:name} since visit {visit}."
        ),
        "higher_with_new_value": (
            "{level:Name} now, {before:name} at visit {visit}, when {names:name} was not given: "
            "whether the patient got worse cannot be said."
        ),
        "higher_with_new_values": (
            "{level:Name} now, {before:name} at visit {visit}, when {names:name} were not given: "
            "whether the patient got worse cannot be said."
        ),
        "higher_without_value": (
            "{level:Name} now, {before:name} at visit {visit}, when {names:name} was given, too: "
            "whether the patient got worse cannot be said."
        ),
        "higher_without_values": (
            "{level:Name} now, {before:name} at visit {visit}, when {names:name} were given, too: "
            "whether the patient got worse cannot be said."
        ),
        # Trends.
        "no_trend": "No trend is beyond chance and large enough.",
        "too_few_visits": "A trend needs {visits} visits with the same symptom.",
        "trend_better": "Better over the last {visits} visits: {symptoms:name}.",
        "trend_slowly_worse": "Slowly worse over the last {visits} visits: {symptoms:name}.",
        "trend_worse": "Worse over the last {visits} visits: {symptoms:name}.",
    }
)

PHRASES: Mapping[str, str] = MappingProxyType(
    {"at_most": "at most {level:name}", "several_values": "{count} values"}
)
