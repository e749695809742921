"""A picture becomes class probabilities."""
