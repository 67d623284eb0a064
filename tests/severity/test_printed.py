"""No report may print a score on the other side of a cut than its level."""

import re
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pneumoscope.catalogue import to_sentences
from pneumoscope.documents import to_severity_document
from pneumoscope.findings import Bounds, PatientContext, Provenance
from pneumoscope.reports import severity_to_text
from pneumoscope.severity import SYMPTOMS, assess, format_score
from pneumoscope.severity.guideline_base import ADULT, UNDER_FIVE, load_guideline

BASES = [load_guideline(name) for name in (ADULT, UNDER_FIVE)]
CUTS = sorted({cut for base in BASES for cut in base.cuts.values()})
EDGES = sorted({cut + side * BASES[0].margin for cut in CUTS for side in (-1, 0, 1)})
SCORES = st.one_of(
    st.floats(0, 3),
    st.builds(lambda edge, off: edge + off, st.sampled_from(EDGES), st.floats(-0.006, 0.006)),
    st.builds(lambda edge, off: edge + off, st.sampled_from(EDGES), st.floats(-1e-8, 1e-8)),
)
HEALTHY = dict.fromkeys(SYMPTOMS, 0.0) | {"fever_value": 36.8, "oxygen_level": 98.0}
HEALTHY |= {"respiratory_rate": 16.0, "systolic_pressure": 120.0}
adult = partial(assess, patient=PatientContext(40))


@given(SCORES)
def test_a_printed_score_reads_as_the_score_does(score):
    text = format_score(score)
    for base in BASES:
        assert base.level_at(float(text)) is base.level_at(score)
        assert base.near_a_cut(float(text)) == base.near_a_cut(score)
    assert (float(text) > 1e-9) == (score > 1e-9)
    assert len(text.partition(".")[2]) >= 2
    assert abs(float(text) - score) <= 0.005 + 1e-12


@pytest.mark.parametrize("score", [0.0, 0.3, 0.5, 1.5, 1.23456, 2.5, 3.0])
def test_two_decimals_are_enough_where_they_read_the_same(score):
    assert format_score(score) == f"{score:.2f}"


@pytest.mark.parametrize("share", [0.2494, 0.2496, 0.4951, 0.497, 0.4999, 0.5, 0.7503])
@pytest.mark.parametrize(
    ("name", "start", "full"), [("fatigue", 0.7, 0.9), ("confusion", 0.1, 0.3)]
)
def test_terminal_and_trace_print_no_score_beyond_a_cut(share, name, start, full):
    """One sign a little below each cut: fatigue of 0.497 severe, confusion to 1.497 and so on."""
    value = start + share * (full - start)
    others = HEALTHY | ({"fever_value": 38.0} if name == "confusion" else {})
    usual = Bounds({name: (0.0, 1.0)}, "guideline", 5)
    result = adult(others | {name: value}, bounds=usual)
    console = Console(width=400)
    with console.capture() as shown:
        document = to_severity_document(
            result, symptoms={}, patient=PatientContext(40), provenance=Provenance("1")
        )
        console.print(severity_to_text(document))
    for text in (" ".join(to_sentences(result.trace)), shown.get()):
        printed = re.findall(r"(?:the score,|score) (\d\.\d+)", text)
        assert len(printed) >= 3  # the sum, the personal view, the result
        for number in map(float, printed):
            assert BASES[0].level_at(number) is result.level
            assert BASES[0].near_a_cut(number) == result.borderline
        truths = re.search(r"mild (\S+), moderate (\S+), severe (\S+);", text)
        total = sum(map(float, truths.groups()))
        assert BASES[0].level_at(round(total, 9)) is result.level
    table = dict(re.findall(r"^ *(mild|moderate|severe) +(\S+) +\S+ *$", shown.get(), re.M))
    told = [float(table[level]) for level in BASES[0].cuts]
    assert BASES[0].level_at(round(sum(told), 9)) is result.level
    assert np.allclose(told, [result.scores[level] for level in BASES[0].cuts], atol=0.005)
