"""Finds boxes in a user's own pictures."""
