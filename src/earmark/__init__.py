"""Type what you want to hear. earmark tells you where it is."""

__version__ = "0.1.0"
