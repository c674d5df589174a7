"""Classify new images and videos with a trained network."""
