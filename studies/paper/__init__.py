"""The paper: its published numbers, its experiments, and its inconsistencies."""
