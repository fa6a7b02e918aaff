"""What computes for visitors: threads, caches, and the one door to them."""
