"""The specs of all networks, a file for each family."""
