"""A user's own images: class folders or a CSV, and the sample table made from them."""
