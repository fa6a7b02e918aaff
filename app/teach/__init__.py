"""The page that begins a class."""
