"""The client of control planes against the fake; see README.md."""
