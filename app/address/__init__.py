"""What is chosen, and the link that says so."""
