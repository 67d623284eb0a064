"""A patient's own bounds: made from the visits alone, so that they can be made again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pneumoscope.findings import Bounds, Visit
from pneumoscope.severity import SYMPTOMS, Symptom
from pneumoscope.tracking.options import TrackingOptions
from pneumoscope.tracking.steps import adjusted_range, widen

# Narrower than any bedside value is written down: what rounding leaves of equal values.
_NO_WIDTH = 1e-9


def bounds_of(
    visits: Sequence[Visit], rule_base: str, options: TrackingOptions | None = None
) -> Bounds:
    """Give the bounds that some visits make, for the visit that follows them.

    Nothing is remembered between calls: the same visits always give the same bounds.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time; none is needed.
    rule_base : str
        Name of the rule base that the bounds are for.
    options : TrackingOptions, optional
        By default those that answer the published defects.

    Returns
    -------
    Bounds
        Within the clinical limits. A symptom with too few values, or with a range of no width
        (only where `minimum_width` is 0), has none.

    See Also
    --------
    pneumoscope.workflow.track_visits : The bounds of every visit of a course, and the levels.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from pneumoscope.findings import Visit
    >>> from pneumoscope.tracking import bounds_of
    >>> visits = [
    ...     Visit(datetime(2026, 3, day, 9, tzinfo=UTC), {"oxygen_level": value})
    ...     for day, value in enumerate([90, 91, 90, 92, 91, 90], start=1)
    ... ]
    >>> sorted(bounds_of(visits, "baral2025").ranges)
    ['oxygen_level']
    """
    chosen = options or TrackingOptions()
    ranges = {}
    for symptom in SYMPTOMS.values():
        values = [v.symptoms[symptom.name] for v in visits if symptom.name in v.symptoms]
        if len(values) >= chosen.minimum_values:
            low, high = _range(symptom, values, chosen)
            if high - low > _NO_WIDTH:
                ranges[symptom.name] = (low, high)
    return Bounds(ranges=ranges, rule_base=rule_base, visits=len(visits))


def replay(
    visits: Sequence[Visit], rule_base: str, options: TrackingOptions | None = None
) -> tuple[Bounds, ...]:
    """Go through the visits again and give the bounds before each of them, and after the last.

    Parameters
    ----------
    visits : sequence of Visit
        In the order of time.
    rule_base : str
        See `bounds_of`.
    options : TrackingOptions, optional
        See `bounds_of`.

    Returns
    -------
    tuple of Bounds, length visits + 1
        Each rests on the visits before it and on nothing else.
    """
    return tuple(bounds_of(visits[:n], rule_base, options) for n in range(len(visits) + 1))


def _range(
    symptom: Symptom, values: Sequence[float], options: TrackingOptions
) -> tuple[float, float]:
    """One symptom's range in its unit."""
    span = symptom.maximum - symptom.minimum
    theta = np.clip((np.array(values, dtype=np.float64) - symptom.minimum) / span, 0.0, 1.0)
    steps = adjusted_range(theta, options)
    low, high = widen(float(steps[0]), float(steps[-1]), options.minimum_width)
    # Kept inside however the product rounds.
    return (
        symptom.minimum + low * span,
        min(symptom.minimum + high * span, symptom.maximum),
    )
