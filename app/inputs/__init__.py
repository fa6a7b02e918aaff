"""Pictures that visitors bring, as a network sees them."""
