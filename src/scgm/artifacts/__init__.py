"""What methods have learned: model files and atlases, each with a card."""
