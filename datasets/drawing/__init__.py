"""Procedurally drawn faces that move as action units say; only the synthetic data set uses them."""
