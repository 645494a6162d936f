"""DRAL: deep reinforcement active learning (Liu et al.)."""
