"""Values that the literature prints for methods other than the paper's, each with its evidence."""
