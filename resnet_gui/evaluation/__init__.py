"""A model and a split become scores."""
