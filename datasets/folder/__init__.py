"""A user's own images, in class folders or listed in a CSV, loaded as a sample table."""
