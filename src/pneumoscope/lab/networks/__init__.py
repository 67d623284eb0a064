"""Networks: one file per architecture, and a registry."""

from pneumoscope.lab.networks.densenet_capsnet import densenet_capsnet
from pneumoscope.lab.networks.li_cnn import li_cnn
from pneumoscope.lab.networks.registry import Network, count_parameters, create, names

__all__ = ["Network", "count_parameters", "create", "densenet_capsnet", "li_cnn", "names"]
