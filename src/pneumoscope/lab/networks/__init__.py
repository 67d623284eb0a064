"""Networks: one file per architecture, a registry, and the list of them."""

from pneumoscope.lab.networks.catalogue import NetworkEntry, catalogue
from pneumoscope.lab.networks.densenet_capsnet import densenet_capsnet
from pneumoscope.lab.networks.li_cnn import li_cnn
from pneumoscope.lab.networks.registry import Network, count_parameters, create, names

__all__ = [
    "Network",
    "NetworkEntry",
    "catalogue",
    "count_parameters",
    "create",
    "densenet_capsnet",
    "li_cnn",
    "names",
]
