"""The configuration of a training run: a TOML file, checked."""
