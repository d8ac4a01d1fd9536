"""Records on the days of a month or week."""
