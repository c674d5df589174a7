"""Build the tables of a report from the results of a study."""
