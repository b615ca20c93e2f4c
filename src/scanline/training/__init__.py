"""The training loop: what is minimised, when a checkpoint is kept, what it reports meanwhile."""
