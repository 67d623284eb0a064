"""A model on disk: format, checksums, limits, lookup, card."""

from pneumoscope.bundles.bundle import Bundle, read_bundle, write_bundle
from pneumoscope.bundles.description import (
    CARD,
    GRAPH,
    LICENCE,
    SCHEMA_VERSION,
    SINGLE,
    TRAINING_IMAGES,
    Age,
    BundleDescription,
    ClassName,
    Name,
    Text,
    Version,
)
from pneumoscope.bundles.lookup import (
    DEFAULT_BUNDLE,
    HOME_VARIABLE,
    available_bundles,
    find_bundle,
)

__all__ = [
    "CARD",
    "DEFAULT_BUNDLE",
    "GRAPH",
    "HOME_VARIABLE",
    "LICENCE",
    "SCHEMA_VERSION",
    "SINGLE",
    "TRAINING_IMAGES",
    "Age",
    "Bundle",
    "BundleDescription",
    "ClassName",
    "Name",
    "Text",
    "Version",
    "available_bundles",
    "find_bundle",
    "read_bundle",
    "write_bundle",
]
