"""How good models and methods are: scores, intervals, comparisons, tables."""
