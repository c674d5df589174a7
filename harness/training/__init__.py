"""Train a network: the loop, its engine, checkpoints and weights."""
