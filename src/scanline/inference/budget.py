"""How the completion of one image is computed where nothing else is said."""

EXACT_PIXELS = 12  # hidden pixels up to which the posterior is exact; the time doubles with each
PARTICLES = 256  # of one run of sequential Monte Carlo
RUNS = 8  # independent ones; their spread gives the interval of log p(observed)
MOVES = 40  # of particle Gibbs where they are needed; each draws a block of hidden pixels anew
BLOCK = 16  # pixels of a block, which lie together
MOVE_PARTICLES = 16  # that draw a block
