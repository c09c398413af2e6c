"""The language: the nouns, rules and wire formats that every room of Coldchain speaks."""

__version__ = "0.1.0"
