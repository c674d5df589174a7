"""From the folder a user names to images ready for training."""
