"""From a study to its cells: which runs when, where, and by whom."""
