"""Typed editors that open on a cell. `registry.EDITORS` has one per editor kind of the field types."""
