"""Tells programs and people when jobs and experiments end: what is said, signed, sent, and tried again."""
