"""Copies of networks in one canonical form, on which backward rules are right."""
