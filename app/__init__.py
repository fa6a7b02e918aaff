"""The explorer in the browser: selection -> backend -> figure -> page."""
