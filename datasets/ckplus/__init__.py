"""CK+: its releases on disk, loaded as a sample table."""
