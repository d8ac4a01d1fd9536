"""Pictures on the cards of a gallery, over a real server."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import Client
from screens.services import picture
from screens.services.picture import half_blocks
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.gallery.gallery import Gallery
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: album
tables:
  - name: shots
    fields:
      - {id: 1, name: title, type: single-line-text}
      - {id: 2, name: photo, type: single-attachment}
    views: [{id: wall, name: Wall, type: gallery, coverField: photo, isDefault: true}]
"""
RED, BLUE = (255, 0, 0), (0, 0, 255)


def png(width: int, height: int, upper: tuple[int, int, int], lower: tuple[int, int, int]) -> bytes:
    """One colour above, another below."""
    rows = b"".join(b"\0" + bytes(upper if y < height // 2 else lower) * width for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("album"), version=__version__) as server:
        for title, name, content in (
            ("two colours", "flag.png", png(40, 20, RED, BLUE)),
            ("no picture", "broken.png", b"\x89PNG\r\n\x1a\n and nothing more"),
            ("a letter", "letter.txt", b"Dear Ada"),
        ):
            path = "/api/tables/shots/files"
            key = server.local.post(path, params={"filename": name, "field": "photo"}, content=content).json()["key"]
            made = server.local.post("/api/tables/shots/records", json={"title": title, "photo": key})
            assert made.status_code == 201, made.text
        yield server


@pytest.mark.parametrize("has_pillow", [True, False])
async def test_cards_have_their_picture(
    album: RunningServer, has_pillow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V-019: in half blocks where Pillow is there; what is no picture, and everything without it, has name and size."""
    if has_pillow:
        pytest.importorskip("PIL")
    monkeypatch.setattr("screens.widgets.gallery.gallery.can_show", lambda: has_pillow)
    app = console(Client(album.socket), session=SessionStore(None))
    async with running(app, (120, 36)) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and isinstance(app.screen.pane.face, Gallery))
        await until(pilot, lambda: "letter.txt (8 B)" in screen_text(app))
        if not has_pillow:
            assert "flag.png (" in screen_text(app)
            assert "▀" not in screen_text(app)
            return
        await until(pilot, lambda: "▀" in screen_text(app))
        face = app.screen.query_one(Gallery)
        await until(pilot, lambda: face._covers is not None and not face._covers.is_loading)
        assert "broken.png (" in screen_text(app)
        assert "flag.png" not in screen_text(app)
        colors = [
            (segment.style.color.triplet.hex, segment.style.bgcolor.triplet.hex)
            for y in range(face.size.height)
            for segment in face.render_line(y)
            if "▀" in segment.text and segment.style and segment.style.color and segment.style.bgcolor
            if segment.style.color.triplet and segment.style.bgcolor.triplet
        ]
        assert ("#ff0000", "#ff0000") in colors
        assert ("#0000ff", "#0000ff") in colors


def test_a_picture_fits_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As large as they allow, in its proportions; a file of too many pixels is left alone."""
    pytest.importorskip("PIL")
    file = tmp_path / "flag.png"
    file.write_bytes(png(40, 20, RED, BLUE))
    cells = half_blocks(file, 20, 20)
    assert cells is not None
    assert [len(line) for line in cells] == [20] * 5
    assert cells[0][0] == ("#ff0000", "#ff0000")
    assert cells[-1][0] == ("#0000ff", "#0000ff")
    wide = half_blocks(file, 100, 4)
    assert wide is not None
    assert (len(wide), len(wide[0])) == (4, 16)
    monkeypatch.setattr(picture, "PIXELS_MOST", 100)
    assert half_blocks(file, 20, 20) is None
    file.write_bytes(b"no picture")
    assert half_blocks(file, 20, 20) is None
