"""Which tensors of a file are a network's weights: its parts, their names and order, and what they are called."""
