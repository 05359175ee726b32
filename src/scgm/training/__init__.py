"""Training: configuration, data, loop, checkpoints, export to a model file (torch)."""
