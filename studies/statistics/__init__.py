"""Statistical comparison of arms: estimates, intervals, p-values, power and verdicts."""
