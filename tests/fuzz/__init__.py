"""Asks the whole API, as it describes itself, for odd things in odd orders, as each role."""
