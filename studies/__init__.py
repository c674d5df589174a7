"""Part of harness: specifications and results of runs and studies, and the paper's published results."""
