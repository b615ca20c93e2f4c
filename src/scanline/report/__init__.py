"""What a person reads: the HTML report, the published tables, cards of published models."""
