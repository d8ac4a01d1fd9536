"""Files beside the records API."""

from typing_extensions import TypedDict


class UploadedFile(TypedDict):
    """A file that was kept: put its `key` into a field of files. `size` in bytes, `sha256` in hexadecimal digits."""

    key: str
    filename: str
    mimeType: str
    size: int
    bucket: str
    url: str
    sha256: str
