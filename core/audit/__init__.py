"""Who administered what: a log that can be added to and checked, never changed (auth §12.1)."""
