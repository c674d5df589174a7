"""Tracking of studies on MLflow, with retries while the store is unavailable."""
