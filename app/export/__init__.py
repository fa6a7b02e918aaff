"""What a reader takes away: records of what is shown -> bytes of files. No front end."""
