"""Tells what an experiment will cost, and what to change where it does not fit."""
