"""Common space: a segmented cord laid on a template or another time point, and back."""
