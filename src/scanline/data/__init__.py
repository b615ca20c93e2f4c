"""From published files, or your own, to binary pixels."""
