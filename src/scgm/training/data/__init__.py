"""From files to what a training run learns from."""
