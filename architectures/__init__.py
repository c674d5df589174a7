"""Part of harness: networks as values, and how to build them."""
