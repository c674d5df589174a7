"""Training: from the spec of a run to its predictions."""
