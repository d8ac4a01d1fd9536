"""The typed async client: everything a console or a script may ask of a server, over a Unix socket or TCP.

Screens import from here and from `core.contract`, and from nothing else of `core`.
"""

from core.client.client import Client
from core.client.port import Port, ServerGone
from core.errors import Conflict, FieldError, Invalid, NotFound, SovriumError

__all__ = ["Client", "Conflict", "FieldError", "Invalid", "NotFound", "Port", "ServerGone", "SovriumError"]
