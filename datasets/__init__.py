"""Part of harness: places on disk, read into one sample table; splits, augmentation and leaks."""
