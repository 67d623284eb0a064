"""What is said first of a bundle whose split was accepted with a leak."""

from __future__ import annotations

from pneumoscope.bundles import Bundle
from pneumoscope.findings import About, Message


def leak_warnings(*bundles: Bundle) -> tuple[Message, ...]:
    """Warn of every bundle that was trained on a split that leaks; nothing for honest ones."""
    return tuple(
        Message(
            "split_leaks",
            About.MODEL,
            {
                "bundle": bundle.description.name,
                "version": bundle.description.version,
                "leaks": tuple(bundle.description.leaks),
            },
        )
        for bundle in bundles
        if bundle.description.leaks
    )
