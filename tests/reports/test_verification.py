"""Two documents that are held against each other."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.documents import to_severity_document
from pneumoscope.findings import PatientContext, Provenance
from pneumoscope.reports import verify_document
from pneumoscope.reports.verification import ABSENT
from pneumoscope.severity import assess

LEAVES = st.none() | st.booleans() | st.floats(-1e3, 1e3) | st.integers(-9, 9) | st.text(max_size=5)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["image", "severity", "level", "score", "values"]),
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "b", "score"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)


@given(DOCUMENTS)
def test_a_document_is_the_same_as_itself(document: dict[str, Any]) -> None:
    found = verify_document(document, copy.deepcopy(document), 0)
    assert (found.differences, found.largest) == ((), 0)


@given(DOCUMENTS, st.text(min_size=6))
def test_a_value_that_was_changed_is_found_where_it_is(
    document: dict[str, Any], value: str
) -> None:
    document = document | {"level": {"a": ["old", 1]}}
    changed = copy.deepcopy(document)
    changed["level"]["a"][0] = value
    (difference,) = verify_document(document, changed, 0).differences
    assert (difference.place, difference.stored, difference.now) == ("level.a.0", "old", value)


@given(DOCUMENTS)
def test_a_value_that_is_gone_or_new_is_found(document: dict[str, Any]) -> None:
    longer = document | {"more": {"x": 1}}
    for stored, now in ((longer, document), (document, longer)):
        assert [each.place for each in verify_document(stored, now, 0).differences] == ["more"]


def test_numbers_may_be_apart_as_far_as_said_and_not_further() -> None:
    stored, now = {"score": 0.5, "n": 3}, {"score": 0.5625, "n": 3.0}
    assert verify_document(stored, now, 0.0625).differences == ()
    assert verify_document(stored, now, 0.0625).largest == 0.0625
    assert [each.place for each in verify_document(stored, now, 0.06).differences] == ["score"]


def test_yes_is_not_the_number_one() -> None:
    assert verify_document({"x": True}, {"x": 1}, 0.1).differences
    assert verify_document({"x": 0.0}, {"x": False}, 0.1).differences


def test_a_missing_value_is_not_null() -> None:
    (difference,) = verify_document({"severity": None}, {}, 0).differences
    assert (difference.stored, difference.now) == (None, ABSENT)


def test_wording_time_and_versions_are_no_difference_but_codes_are() -> None:
    stored = {
        "image": {"file": "a.png", "height": 5},
        "warnings": [{"code": "a", "text": "One."}],
        "provenance": {"created": "then", "program": "1", "rule_base": "guideline@1"},
    }
    now = copy.deepcopy(stored)
    now["image"]["file"] = "b.png"
    now["warnings"][0]["text"] = "Other words."
    now["provenance"] |= {"created": "now", "program": "2"}
    assert verify_document(stored, now, 0).differences == ()
    now["warnings"][0]["code"] = "b"
    now["provenance"]["rule_base"] = "guideline@2"
    places = {each.place for each in verify_document(stored, now, 0).differences}
    assert places == {"warnings.0.code", "provenance.rule_base"}


def test_reasons_are_compared_by_their_codes_and_values_and_not_by_their_words() -> None:
    found = assess({"oxygen_level": 91.0}, patient=PatientContext(60))
    document = to_severity_document(
        found, symptoms={}, patient=PatientContext(60), provenance=Provenance("1")
    )
    stored = document.json_values()
    now = copy.deepcopy(stored)
    fired, first = now["severity"]["fired"][0], now["severity"]["trace"][0]
    fired["explanation"]["text"] = first["text"] = "Other words."
    assert verify_document(stored, now, 0).differences == ()
    fired["explanation"]["values"]["conditions"][0]["values"]["term"] = "another"
    first["code"] = "another"
    places = [each.place for each in verify_document(stored, now, 0).differences]
    condition = "severity.fired.0.explanation.values.conditions.0"
    assert places == [f"{condition}.values.term", "severity.trace.0.code"]
