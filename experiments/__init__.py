"""Measurements behind ``docs/results.md``: each file is a command, none is a test."""
