"""Data sets of the harness: releases on disk loaded as one sample table; splits, augmentation and leakage."""
