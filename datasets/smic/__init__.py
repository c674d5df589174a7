"""SMIC: releases, modalities and annotations on disk, loaded as a sample table."""
