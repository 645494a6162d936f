"""The queue of pairs: tasks, leases, submitted answers, undo, votes."""
