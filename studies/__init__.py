"""Part of harness: what to run, what a run leaves behind, what the paper says."""
