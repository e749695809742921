"""The networks that are written here: a file for each family."""
