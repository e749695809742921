"""The Setup dock: dataset, network, settings, and the start button."""
