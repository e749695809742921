"""The engine: a process that does jobs for the window."""
