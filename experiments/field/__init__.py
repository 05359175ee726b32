"""Situations from public bug reports, rebuilt from real images: ``python -m experiments.field``."""
