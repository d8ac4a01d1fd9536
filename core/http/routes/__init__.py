"""The API's addresses, one module per family."""

from collections.abc import Iterator

from core.http.route import Route


def all_routes() -> Iterator[Route]:
    """Every route that is served."""
    from core.http.routes import events, health, hello, openapi, tables

    for module in (health, openapi, hello, tables, events):
        yield from module.routes.routes
