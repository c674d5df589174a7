"""Part of harness: data sets as sample tables, with splits, preprocessing, audits and synthetic copies."""
