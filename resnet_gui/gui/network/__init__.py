"""The Network tab."""
