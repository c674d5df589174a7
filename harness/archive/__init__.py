"""A study as one file, written from a ledger and read onto another."""
