"""The training loop: what is minimised, when a checkpoint is kept, what is told meanwhile."""

from scanline import backend as backend  # before TensorFlow is imported
