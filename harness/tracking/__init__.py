"""The ledger on MLflow, and patience with it."""
