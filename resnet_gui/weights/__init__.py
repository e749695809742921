"""Files of trained weights: downloaded, verified, read without running code, and loaded into a network."""
