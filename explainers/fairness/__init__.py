"""The fairness check: what rescaling does to every method's map."""
