"""Networks: one file per architecture, a registry, and the list of them."""

import sys

from pneumoscope.lab.networks.catalogue import NetworkEntry, catalogue
from pneumoscope.lab.networks.dropout import MAX_UNIT_RATE, UnitDropout
from pneumoscope.lab.networks.evidence import EVIDENCE_STRIDE, EvidenceNetwork, top_cells
from pneumoscope.lab.networks.network import Answer, Network, PooledNetwork, count_parameters
from pneumoscope.lab.networks.registry import create, discover, names

# A new network is one new file in this folder, and no change elsewhere.
discover(sys.modules[__name__])

__all__ = [
    "EVIDENCE_STRIDE",
    "MAX_UNIT_RATE",
    "Answer",
    "EvidenceNetwork",
    "Network",
    "NetworkEntry",
    "PooledNetwork",
    "UnitDropout",
    "catalogue",
    "count_parameters",
    "create",
    "names",
    "top_cells",
]
