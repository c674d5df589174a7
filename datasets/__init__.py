"""Part of harness: data sets as sample tables, with splits, preprocessing, leakage audits and synthetic copies."""
