"""Long work that a person watches: imports and exports, with progress, cancel and a result."""
