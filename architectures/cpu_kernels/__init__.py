"""Part of harness: two operators of the block networks that make fewer passes over memory, for CPUs."""
