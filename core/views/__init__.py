"""Ordered views: a filtered, sorted reading of a table that can be paged by position, for grids."""
