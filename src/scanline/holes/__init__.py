"""Which pixels are hidden: holes by name, sets of places, and images with a hole."""
