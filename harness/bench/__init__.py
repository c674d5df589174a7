"""Measure the speed of harness against plain scripts, and render the results as tables."""
