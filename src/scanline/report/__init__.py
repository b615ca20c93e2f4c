"""What a person reads: the HTML report, the README's tables, cards of published models."""
