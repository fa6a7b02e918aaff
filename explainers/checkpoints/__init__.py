"""Weights files of strangers: read without running anything, and matched with a network."""
