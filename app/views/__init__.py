"""One file per page; a page chooses panels and says nothing of how they work."""
