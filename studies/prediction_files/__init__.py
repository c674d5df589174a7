"""Read predictions from the files in which the field keeps them: logs and CSV; write them as a log."""
