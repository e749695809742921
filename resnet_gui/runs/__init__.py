"""Run folders, read and written without Qt and without torch."""
