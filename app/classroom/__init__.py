"""A class that looks at the explorer together: what its teacher shows, and what its students expect."""
