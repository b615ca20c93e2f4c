"""How good it is: scores with intervals, comparisons, and tables beside published numbers."""
