"""SAMM: the release and its coding sheets on disk, loaded as a sample table."""
