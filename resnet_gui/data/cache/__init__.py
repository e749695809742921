"""Pictures are decoded once and kept as pixels."""
