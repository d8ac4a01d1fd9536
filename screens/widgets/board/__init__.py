"""Records as cards in columns, by the value of a field."""
