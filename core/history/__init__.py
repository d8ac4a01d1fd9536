"""What happened to records, read from the change log: history of one record, activity of all, undoing an entry."""
