"""Widgets that know nothing of networks or pictures of a dataset."""
