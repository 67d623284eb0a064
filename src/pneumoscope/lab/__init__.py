"""The laboratory: data sets, networks, training. Installed with the extra ``[lab]``."""
