"""Files that records refer to: kept beside the database, found by opaque keys."""
