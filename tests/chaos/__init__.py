"""A whole system that is hurt on purpose, and must come out right."""
