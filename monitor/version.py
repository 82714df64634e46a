"""The version, in one place; the distribution takes it from here."""

__version__ = "0.1.0"
