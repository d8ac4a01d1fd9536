"""What kind of file some bytes are: judged from the content, else from the name (T-090). A name alone is never believed
where the content says something else.
"""

import mimetypes

UNKNOWN = "application/octet-stream"
LOOKED_AT = 512
"""Bytes of the beginning that are enough to tell."""

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"wOF2", "font/woff2"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
}
_ZIPPED = ("application/vnd.openxmlformats", "application/vnd.oasis", "application/epub", "application/java-archive")
_OLE = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook")
# Python's table knows what the machine's own files say, too; a server must judge the same everywhere.
_NAMES = mimetypes.MimeTypes()
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_MORE_NAMES = {
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".parquet": "application/vnd.apache.parquet",
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}presentationml.presentation",
    ".odt": f"{_OPEN}text",
    ".ods": f"{_OPEN}spreadsheet",
    ".odp": f"{_OPEN}presentation",
    ".epub": "application/epub+zip",
}


def kind_of(beginning: bytes, name: str) -> str:
    """The MIME type of a file by its first bytes and, where they do not tell, by its name."""
    named = kind_of_name(name)
    seen = _seen(beginning)
    if seen is None:
        # A picture, a film or a program shows in its first bytes; a name that claims one without is not believed.
        claims = named.startswith(("image/", "video/", "audio/", "font/")) and named != "image/svg+xml"
        return UNKNOWN if claims or named == "application/pdf" else named
    if seen == "application/zip" and named.startswith(_ZIPPED):
        return named
    if seen == "application/x-ole-storage" and named in _OLE:
        return named
    if seen == "text/xml":
        return "image/svg+xml" if b"<svg" in beginning else named if named.endswith(("xml", "html")) else "text/xml"
    if seen == "application/ogg" and named.startswith(("audio/", "video/")):
        return named
    return seen


def kind_of_name(name: str) -> str:
    """The MIME type that a file's name claims."""
    suffix = "." + name.rpartition(".")[2].lower() if "." in name else ""
    return _MORE_NAMES.get(suffix) or _NAMES.guess_type(f"x{suffix}")[0] or UNKNOWN


def _seen(beginning: bytes) -> str | None:
    for start, kind in _BEGINNINGS:
        if beginning.startswith(start):
            return kind
    # Two letters alone would also be the beginning of a text.
    if beginning[:2] == b"BM" and beginning[6:10] == bytes(4):
        return "image/bmp"
    if beginning[:2] == b"MZ" and b"\0" in beginning[:64]:
        return "application/x-msdownload"
    if beginning[:4] == b"RIFF":
        return _RIFF.get(beginning[8:12])
    if beginning[4:8] == b"ftyp":
        return _BRANDS.get(beginning[8:12], "video/mp4")
    if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "application/zip"
    if beginning[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in beginning[:64] else "video/x-matroska"
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    if text.startswith((b"<svg", b"<?xml")):
        return "text/xml"
    if text.startswith((b"<!doctype html", b"<html", b"<script")):
        return "text/html"
    return None
