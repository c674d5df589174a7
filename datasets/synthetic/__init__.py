"""Synthetic faces, written in every layout of the real releases."""
