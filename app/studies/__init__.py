"""Studies: the paper's claims, one page for each experiment, with our curves and verdicts."""
