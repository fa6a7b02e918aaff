"""The page Rescaling test, whose address is /fairness."""
