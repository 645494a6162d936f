"""What people see of a run: tables for the terminal, the picture of a round's pairs, curves."""
