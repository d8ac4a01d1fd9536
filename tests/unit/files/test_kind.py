"""The kind of a file, by content first and by name where the content does not tell (T-090)."""

import io
import zipfile

import pytest

from core.fields.attachment import is_allowed
from core.files.kind import kind_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("beginning", "name", "kind"),
    [
        (PNG, "photo.png", "image/png"),
        (PNG, "invoice.pdf", "image/png"),
        (PNG, "noname", "image/png"),
        (b"\xff\xd8\xff\xe0", "a.jpeg", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a.webp", "image/webp"),
        (b"\x00\x00\x00\x18ftypisom", "a.mp4", "video/mp4"),
        (b"\x00\x00\x00\x18ftypavif", "a.avif", "image/avif"),
        (b"%PDF-1.7\n", "letter", "application/pdf"),
        (zipped(), "a.zip", "application/zip"),
        (zipped(), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", "a.svg", "image/svg+xml"),
        (b"<?xml version='1.0'?><feed>", "a.xml", "text/xml"),
        (b"  <!DOCTYPE html><p>", "a.txt", "text/html"),
        (b"a,b\n1,2\n", "a.csv", "text/csv"),
        (b"# Title", "a.md", "text/markdown"),
        (b"just text", "a.png", "application/octet-stream"),
        (b"BMW,320\nMZ,1\n", "cars.csv", "text/csv"),
        (b"MZ,1\nBM,2\n", "cars.csv", "text/csv"),
        (b"MZ\x90\x00", "cat.png", "application/x-msdownload"),
        (b"", "a.pdf", "application/octet-stream"),
        (b"", "", "application/octet-stream"),
    ],
)
def test_kind(beginning: bytes, name: str, kind: str) -> None:
    assert kind_of(beginning, name) == kind


def test_allowed_kinds() -> None:
    assert is_allowed("image/png", ())
    assert is_allowed("image/png", ("image/*",))
    assert is_allowed("image/png", ("IMAGE/PNG",))
    assert not is_allowed("text/html", ("image/*", "application/pdf"))
    assert not is_allowed("imagex/png", ("image/*",))
