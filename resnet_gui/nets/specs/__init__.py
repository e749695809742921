"""The cards of all networks, a file for each family."""
