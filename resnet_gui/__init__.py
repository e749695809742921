"""Train an image classifier from a folder of pictures, and ask it about new ones."""

__version__ = "0.1.0"
