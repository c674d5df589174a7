"""Part of harness: results to tables and figures, and those to markdown."""
