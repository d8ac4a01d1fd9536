"""The typed async client: everything a console or a script may ask of a server, over a Unix socket or TCP.

Screens import from here and from `core.contract`, and from nothing else of `core`.
"""

from typing import TYPE_CHECKING, Any

from core.client.port import Port, ServerGone
from core.errors import Conflict, FieldError, Invalid, NotFound, SovriumError
from core.sentence import Sentence, with_sentences

if TYPE_CHECKING:
    from core.client.client import Client

__all__ = [
    "Client",
    "Conflict",
    "FieldError",
    "Invalid",
    "NotFound",
    "Port",
    "Sentence",
    "ServerGone",
    "SovriumError",
    "with_sentences",
]


def __getattr__(name: str) -> Any:
    """`Client` is imported on first use: the console's first frame does not wait for the HTTP library."""
    if name == "Client":
        from core.client.client import Client

        return Client
    raise AttributeError(name)
