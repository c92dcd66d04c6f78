"""What reports are made of, and what their formats share."""
