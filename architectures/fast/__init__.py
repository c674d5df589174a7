"""Part of harness: the same networks with fewer passes over memory, on CPUs."""
