"""Copies of what is recorded, for those who look elsewhere."""
