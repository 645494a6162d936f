"""DCPS: diverse cluster-based pair selection (Xue et al.)."""
