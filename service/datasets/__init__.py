"""Registered data sets: where their files are, how they are checked, and what their names mean."""
