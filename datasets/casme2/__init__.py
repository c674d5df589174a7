"""CASME II: releases and coding sheets on disk, loaded as a sample table."""
