"""Part of harness: CPU kernels for two operators of the block networks, with fewer passes over memory."""
