"""Controllers connect views with workers."""
