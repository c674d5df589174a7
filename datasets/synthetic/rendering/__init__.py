"""Procedural rendering of faces that move by action units, for the synthetic data sets only."""
