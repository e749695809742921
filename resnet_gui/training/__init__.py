"""Batches and a network become a model, as events."""
