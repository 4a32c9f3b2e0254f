"""PALS, pruning with adaptive sparsity level (arXiv 2305.18382), and the methods it is compared with."""
