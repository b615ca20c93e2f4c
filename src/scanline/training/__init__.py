"""The training loop: what is minimised, when a checkpoint is kept, what is told meanwhile."""
