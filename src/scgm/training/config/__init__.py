"""What a training run is told: a TOML file, checked."""
