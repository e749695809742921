"""A name becomes a network."""
