"""From image files to one array: decoding, representing, and a cache that loses nothing."""
