"""The Information flow page."""
