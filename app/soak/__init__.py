"""A bounded trial of the running server on this machine: `python -m app.soak --minutes 10`."""
