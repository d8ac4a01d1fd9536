"""Counts of linked records, on both databases."""

from tests.unit.relations.conftest import Open

APP = """
tables:
  - name: Authors
    fields:
      - { name: name, type: single-line-text }
      - { name: books, type: relationship, relatedTable: Books, relationType: one-to-many, foreignKey: author }
      - { name: book_count, type: count, relationshipField: books }
      - name: long_books
        type: count
        relationshipField: books
        filters: { and: [{ field: pages, operator: gt, value: 300 }] }
  - name: Books
    fields:
      - { name: title, type: single-line-text }
      - { name: pages, type: integer }
      - { name: author, type: relationship, relatedTable: Authors }
"""


async def test_count_follows_live_linked_records(open_app: Open) -> None:
    """T-130, T-128"""
    app = open_app(APP)
    for name in ("Ann", "Ben"):
        await app.create("Authors", name=name)
    for title, pages, author in (("A", 100, 1), ("B", 400, 1), ("C", 500, 1), ("D", 10, None)):
        await app.create("Books", title=title, pages=pages, author=author)
    rows = await app.column("Authors", "book_count", "long_books", "books")
    assert rows == [[3, 2, [1, 2, 3]], [0, 0, []]]
    await app.delete("Books", 2)
    await app.update("Books", 4, author=2)
    assert await app.column("Authors", "book_count", "long_books", "books") == [[2, 1, [1, 3]], [1, 0, [4]]]
    assert await app.ids("Authors", filter="book_count:1") == ["2"]
    assert await app.ids("Authors", sort="book_count:asc") == ["2", "1"]
    assert (await app.list("Authors", aggregate="book_count:sum"))["aggregations"] == {"sum": 3}
