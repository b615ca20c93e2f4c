"""Pictures, with one module for each kind of figure."""
