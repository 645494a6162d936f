"""DRAL: deep reinforcement active learning."""
