"""Execute one run: from its spec and its images to its result."""
