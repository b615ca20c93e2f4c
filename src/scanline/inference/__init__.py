"""What a trained model says: likelihoods, samples, and hidden pixels given observed ones."""
