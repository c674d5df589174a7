"""CASME II: its releases and sheets on disk, and the sample table made from them."""
