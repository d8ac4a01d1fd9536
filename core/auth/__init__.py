"""Accounts of the people who use an app."""
