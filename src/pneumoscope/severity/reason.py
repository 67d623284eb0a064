"""How the room gives its reasons: as messages about the severity."""

from __future__ import annotations

from pneumoscope.findings import About, Message, Value


def reason(code: str, **values: Value) -> Message:
    """Make a message about the severity; the catalogue has its sentence."""
    return Message(code, About.SEVERITY, values)
