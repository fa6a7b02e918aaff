"""Quality and cost of the solvers, side by side."""
