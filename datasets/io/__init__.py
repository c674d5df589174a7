"""Read and write files: folders, images, containers, the cache and its journal."""
