"""A folder of pictures becomes batches."""
