"""CK+: its releases on disk, and the sample table made from them."""
