"""What stands around the pages: limits, checks and upkeep."""
