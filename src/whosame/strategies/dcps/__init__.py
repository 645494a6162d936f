"""DCPS: diverse cluster-based pair selection."""
