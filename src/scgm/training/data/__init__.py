"""Training data: read, checked, prepared and cached."""
