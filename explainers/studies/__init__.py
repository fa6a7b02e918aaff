"""One file per figure or table of the paper: inputs -> table, each also a command."""
