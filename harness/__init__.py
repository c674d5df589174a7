"""Part of harness: training, running, tracking and benchmarking of studies, and the command line."""
