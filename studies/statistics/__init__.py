"""What may be believed of a difference between two arms: its interval, its p and the verdict."""
