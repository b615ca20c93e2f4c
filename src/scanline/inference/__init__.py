"""What a trained model says: likelihoods, samples, and hidden pixels given observed ones."""

from scanline import backend as backend  # before TensorFlow is imported
