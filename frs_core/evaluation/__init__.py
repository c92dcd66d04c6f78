"""Detections on a split, and the numbers they earn."""
