"""Who may do what: one decision, asked at every door."""
