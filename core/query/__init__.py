"""What a reader may ask of a table: filters, sorts, pages, search and aggregates, from their text form to SQL."""
