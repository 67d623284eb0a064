"""What is said first of a bundle whose split was accepted with a leak."""

from __future__ import annotations

from pneumoscope.bundles import Bundle


def leak_warnings(*bundles: Bundle) -> tuple[str, ...]:
    """Warn of every bundle that was trained on a split that leaks; nothing for honest ones."""
    return tuple(
        f"The bundle {bundle.description.name} {bundle.description.version} was trained on a split "
        f"that leaks ({'; '.join(bundle.description.leaks)}): the figures in its card are too good."
        for bundle in bundles
        if bundle.description.leaks
    )
