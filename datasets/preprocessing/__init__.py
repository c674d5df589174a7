"""Preprocessing of image files to one array: decoding, representations and a resumable cache."""
