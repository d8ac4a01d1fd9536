"""sovrium-tui: an app file becomes a database, an HTTP API and a console in the terminal."""

__version__ = "0.1.0"
