"""The master key of a database, and what is sealed with it."""
