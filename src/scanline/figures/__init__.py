"""Pictures: one module a kind of figure."""
