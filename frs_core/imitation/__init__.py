"""What the mask-based methods are made of: adapters and a squared error under a mask."""
