"""One archive of all that an app keeps, made while it is at work, and put back where nothing is."""
