"""Who answers, where answers are kept, and how a round is talked through."""
