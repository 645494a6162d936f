"""Parameters of a command: files in conf, what is typed, a run's own, and what they leave open."""
