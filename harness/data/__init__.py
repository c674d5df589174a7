"""Load, describe, prepare and audit data sets."""
