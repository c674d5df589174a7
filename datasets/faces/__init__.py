"""Face detection: one box per clip."""
