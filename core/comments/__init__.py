"""Comments on records, who is told of them, and what keeps them clean (§10.10)."""
