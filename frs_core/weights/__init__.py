"""Where weights come from: how they are named, and how their files are had. Torch-free."""
