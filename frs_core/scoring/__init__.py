"""Judges boxes that were found elsewhere. Torch-free."""
