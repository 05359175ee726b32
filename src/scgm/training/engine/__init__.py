"""The training run: loop, learner, state, checkpoints."""
