"""The architectures of the networks that ship, as modules of their own."""
