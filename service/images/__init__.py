"""What detectors saw in each image: the recorded files, and the photographs where the server sees them."""
