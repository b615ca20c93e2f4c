"""Recurrent layers and the models made of them: what they compute, how they are kept."""
