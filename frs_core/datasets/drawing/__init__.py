"""Draws the scenes of the synthetic format: what lies where, which of it is seen, and the pixels."""
