"""Commands, a module each: they read what was typed, call the core, and print."""
