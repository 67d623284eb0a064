"""The sets that the picture check learns from, and the terms that come with them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from pneumoscope.inference import PackagedTrainingSet
from pneumoscope.lab.lungs.run import CHALLENGE
from pneumoscope.lab.picture_check.pictures import DRAWN_SLICES, PHANTOMS, Pool


class _Terms(NamedTuple):
    population: str
    licence: str
    citation: str


_RESEARCH, _DRAWN = "non-commercial research", "none: drawn by this program"
_SETS = {
    "guangzhou": _Terms(
        "children of 1 to 5 years",
        "CC BY 4.0",
        "Kermany et al. 2018, Cell 172:1122, doi:10.1016/j.cell.2018.02.010",
    ),
    "rsna": _Terms("adults (5% under 18)", _RESEARCH, CHALLENGE),
    "rsna-normals": _Terms("adults without findings", _RESEARCH, CHALLENGE),
    "nih-graded": _Terms("adults (5% under 18)", _RESEARCH, CHALLENGE),
    "nih-weak": _Terms(
        "adults, some children",
        "free with citation",
        "NIH ChestX-ray14, Wang et al. 2017, doi:10.1109/CVPR.2017.369",
    ),
    "lungs-tb": _Terms(
        "adults, half of them with tuberculosis",
        "research",
        "Jaeger et al. 2014, Quantitative Imaging in Medicine and Surgery 4:475, "
        "doi:10.3978/j.issn.2223-4292.2014.11.20",
    ),
    PHANTOMS: _Terms("made-up chests", _DRAWN, "pneumoscope.synthetic.draw_phantom"),
    "not-chest KNEE": _Terms(
        "knees, contrast equalised", "free", "radiographs of the Osteoarthritis Initiative"
    ),
    "not-chest PHOTO": _Terms("photographs and wallpapers", "free", "free desktop collections"),
    "covid-ct": _Terms(
        "CT slices of the chest, from papers", "research", "Yang et al. 2020, arXiv:2003.13865"
    ),
    DRAWN_SLICES: _Terms("made-up CT slices", _DRAWN, "pneumoscope.synthetic.draw_ct_slice"),
}


def sets_of(pool: Pool) -> tuple[PackagedTrainingSet, ...]:
    """Say what a pool is made of, and under which terms."""
    counts = Counter(pool.sources)
    for kind in pool.kinds:
        counts["covid-ct" if kind.startswith("covid-ct") else kind] += 1
    return tuple(
        PackagedTrainingSet(name=name, images=counts[name], **terms._asdict())
        for name, terms in _SETS.items()
        if counts[name]
    )
