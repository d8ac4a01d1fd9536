"""Visits of the app's pages, counted without cookies and without keeping anybody's address (auth §16.3)."""
