"""Scheduling: order the cells of a study and run them in this process, in several, or on a cluster."""
