"""Programs that tests drive; see README.md."""
