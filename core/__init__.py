"""The engine: it runs an app file on a database and serves it over HTTP.

Folders stand in the order a record travels: `schema` (the app file understood), `fields` (what a value may be),
`storage` (the database hidden), `migrations`, `query`, `records` (the one write path), `http` (the door),
`contract` and `client` (what both sides of the door share). No module here knows that a terminal exists.
"""
