"""The way from published files, or a person's own, to binary pixels."""
