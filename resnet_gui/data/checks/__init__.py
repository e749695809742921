"""What can be wrong with the pictures of a dataset."""
