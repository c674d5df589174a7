"""Part of harness: specifications of networks, and the functions that build them."""
