"""How every report writes a score of `guideline`, so that score and level never disagree."""

from __future__ import annotations

from pneumoscope.severity.guideline_base import ADULT, TOLERANCE, UNDER_FIVE, load_guideline

_MOST_DECIMALS = 12  # finer than the tolerance, below which a score is on the cut


def format_score(score: float) -> str:
    """Write a score, or one of the truths that add up to it, with two decimals or more.

    More than two where fewer would read as another level, as borderline where it is not, or as
    nothing where there is something: 1.497 is mild, and "1.50" would read as moderate.

    Parameters
    ----------
    score : float
        0 or more.

    Returns
    -------
    str
        The shortest such text.

    Examples
    --------
    >>> from pneumoscope.severity import format_score
    >>> format_score(1.2), format_score(1.497)
    ('1.20', '1.497')
    """
    texts = (f"{score:.{decimals}f}" for decimals in range(2, _MOST_DECIMALS + 1))
    return next((text for text in texts if _reads(float(text)) == _reads(score)), repr(score))


def _reads(score: float) -> tuple[object, ...]:
    bases = [load_guideline(name) for name in (ADULT, UNDER_FIVE)]
    return score > TOLERANCE, *((base.level_at(score), base.near_a_cut(score)) for base in bases)
