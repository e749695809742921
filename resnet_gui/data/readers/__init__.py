"""From a dataset folder to its samples: a file for each layout."""
