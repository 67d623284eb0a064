"""How a result was made, as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC

from pneumoscope.findings import Provenance


def provenance_values(made: Provenance) -> dict[str, object]:
    """Give how a result was made as plain JSON values; null where there is nothing to say."""
    return {
        "created": None
        if made.created is None
        else made.created.astimezone(UTC).isoformat(timespec="seconds"),
        "program": made.program,
        "engine": None if made.engine is None else asdict(made.engine),
        "rule_base": made.rule_base or None,
        "file_sha256": made.file_sha256 or None,
        "pixels_sha256": made.pixels_sha256 or None,
    }
