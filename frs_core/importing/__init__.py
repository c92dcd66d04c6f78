"""Takes in checkpoints that were made elsewhere."""
