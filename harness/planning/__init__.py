"""Turn a request into a plan: cells, splits, engine, statistical power, time and disk space."""
