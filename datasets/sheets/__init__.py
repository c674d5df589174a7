"""Coding sheets, clip folders and frame policies of every data set whose clips a coding sheet lists."""
