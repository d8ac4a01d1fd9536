"""Files that a record refers to. A value is what is known of the file; its bytes are kept by `core.files`."""

import json
from collections.abc import Iterable, Mapping
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import Field

from core.fields.base import EditorKind, FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.fields.text import text_of
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

Attachment = dict[str, Any]
"""`{key, filename, mimeType, size, bucket}`, and `displayName` where one was given. A value that is being written may
know its key alone; the writer puts in what the store knows (T-092)."""
FILES_PATH = "/api/files/"
_NAME_LIMIT = 255
_GIVEN = ("filename", "displayName", "mimeType", "size", "bucket")
MOST = 1_000


class AttachmentOptions(FieldOptions):
    bucket: str | None = None
    allowed_file_types: tuple[str, ...] = ()
    max_file_size: Annotated[int, Field(ge=1)] | None = None
    store_metadata: bool = True


class SingleAttachmentOptions(AttachmentOptions):
    generate_thumbnail: bool = False


class MultipleAttachmentsOptions(AttachmentOptions):
    max_files: Annotated[int, Field(ge=1, le=MOST)] | None = None
    generate_thumbnails: bool = False


class AttachmentField(FieldType[Any]):
    """What both have in common."""

    family = "json"
    takes_default = False

    def column(self) -> ColumnType:
        return ColumnType("json")

    def held(self, value: Any) -> list[Attachment]:
        """The files of a stored value."""
        return [] if value is None else value if isinstance(value, list) else [value]

    def check_file(self, filename: str, kind: str, size: int) -> None:
        """Whether a file may stand in this field (T-090). Raises ValueProblem."""
        self.check_size(filename, size)
        self.check_kind(filename, kind)

    def check_size(self, filename: str, size: int) -> None:
        """Raises ValueProblem."""
        most = self.options.max_file_size
        if most is not None and size > most:
            raise ValueProblem(
                "file.too-large",
                say("{file} is too large; at most {most} are allowed", file=show(filename), most=size_text(most)),
            )

    def check_kind(self, filename: str, kind: str) -> None:
        """Raises ValueProblem."""
        options = self.options
        if not is_allowed(kind, options.allowed_file_types):
            allowed = ", ".join(options.allowed_file_types)
            raise ValueProblem(
                "file.type",
                say(
                    "{file} is {kind}; these types are allowed: {allowed}",
                    file=show(filename),
                    kind=kind,
                    allowed=allowed,
                ),
            )

    def info(self) -> Mapping[str, Any]:
        """R-093"""
        return {**super().info(), **self._size_limit()}

    def beside(self, value: Any, how: Format) -> Mapping[str, Any]:
        """R-093: what the field takes."""
        return {"allowedFileTypes": list(self.options.allowed_file_types), **self._size_limit()}

    def _size_limit(self) -> Mapping[str, Any]:
        most = self.options.max_file_size
        return {} if most is None else {"maxFileSize": most, "maxFileSizeDisplay": size_text(most)}

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, AttachmentOptions)
        if options.bucket is not None and options.bucket not in _buckets(app):
            text = say("there is no bucket `{name}`", name=options.bucket)
            yield OptionProblem("bucket", "field.bucket", text)  # T-028
        for place, kind in enumerate(options.allowed_file_types):
            if "/" not in kind and kind != "*":
                text = say("{value} is no MIME type such as image/png or image/*", value=show(kind))
                yield OptionProblem(f"allowedFileTypes[{place}]", "field.file-type", text)
        for key, given in (("unique", field.unique), ("indexed", field.indexed)):
            if given:
                yield OptionProblem(key, "field.no-index", say("a field of files cannot be `{key}`", key=key))


class SingleAttachmentField(AttachmentField):
    """One file."""

    name = "single-attachment"
    editor: ClassVar[EditorKind] = "file"
    Options: ClassVar[type[FieldOptions]] = SingleAttachmentOptions

    def accept(self, raw: Any) -> Attachment | None:
        raw = _parsed(raw)
        if raw is None or raw == "" or raw == []:
            return None
        if isinstance(raw, list) and len(raw) == 1:
            raw = raw[0]
        return accept_file(raw)

    def to_json(self, value: Attachment | None) -> Any:
        return None if value is None else told(value)

    def to_text(self, value: Attachment | None) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def present(self, value: Attachment | None, how: Format) -> str:
        return "" if value is None else described(value)

    def example(self, rng: Random) -> Attachment:
        return _example(self, rng)


class MultipleAttachmentsField(AttachmentField):
    """Several files, in the order given."""

    name = "multiple-attachments"
    editor: ClassVar[EditorKind] = "files"
    Options: ClassVar[type[FieldOptions]] = MultipleAttachmentsOptions

    def accept(self, raw: Any) -> list[Attachment] | None:
        raw = _parsed(raw)
        if raw is None or raw == "":
            return None
        items = raw if isinstance(raw, list | tuple) else [raw]
        most = self.options.max_files or MOST
        if len(items) > most:
            raise ValueProblem(
                "file.too-many",
                say("At most {most:,} files are allowed, {count:,} are given", most=most, count=len(items)),
            )
        files = [accept_file(each) for each in items]
        return list({each["key"]: each for each in files}.values())

    def to_json(self, value: list[Attachment] | None) -> Any:
        return None if value is None else [told(each) for each in value]

    def to_text(self, value: list[Attachment] | None) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    def present(self, value: list[Attachment] | None, how: Format) -> str:
        return ", ".join(map(described, value or ()))

    def example(self, rng: Random) -> list[Attachment]:
        return [_example(self, rng) for _ in range(rng.randint(1, min(3, self.options.max_files or 3)))]


def accept_file(raw: Any) -> Attachment:
    """One file: its key, or a map with it. Whether it fits is judged when it is written, by what the store knows of it.
    Raises ValueProblem."""
    if isinstance(raw, str):
        return {"key": _key(raw)}
    if not isinstance(raw, Mapping):
        raise ValueProblem(
            "file.malformed", say("A file is its key, or a map with `key`, not {value}", value=show(raw))
        )
    if "content" in raw:
        raise ValueProblem("file.content", "Files in the value itself are taken by the records API alone")
    value: Attachment = {"key": _key(raw.get("key"))}
    for name in _GIVEN:
        given = raw.get(name)
        if given is None:
            continue
        if name == "size":
            if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**53:
                raise ValueProblem("file.malformed", say("size is a number of bytes, not {value}", value=show(given)))
        else:
            given = text_of(given)[:_NAME_LIMIT]
        value[name] = given
    if value.get("displayName"):
        value["filename"] = value["displayName"]
    return value


def told(value: Attachment) -> Attachment:
    """The API's form: with the address of the bytes."""
    return {**value, "url": FILES_PATH + value["key"]}


def described(value: Attachment) -> str:
    """`report.pdf (1.2 MB)`"""
    name = value.get("filename") or value["key"]
    return f"{name} ({size_text(value['size'])})" if "size" in value else str(name)


def size_text(count: int) -> str:
    """Bytes as people read them, by 1,024; one decimal below a megabyte, above where it says something (R-093)."""
    if count < 1024:
        return f"{count} B"
    if count < 1024**2:
        return f"{count / 1024:.1f} KB"
    size, unit = (count / 1024**2, "MB") if count < 1024**3 else (count / 1024**3, "GB")
    return f"{size:.1f}".removesuffix(".0") + f" {unit}"


def is_allowed(kind: str, allowed: tuple[str, ...]) -> bool:
    """One of the allowed MIME types: `image/png`, `image/*`, `*/*`; nothing listed allows everything."""
    family = kind.partition("/")[0]
    return not allowed or any(each in (kind, f"{family}/*", "*/*", "*") for each in map(str.lower, allowed))


def _key(raw: Any) -> str:
    text = text_of(raw) if isinstance(raw, str) else ""
    text = text.rpartition("/")[2].strip()  # the address of a file names it, too
    if not text or len(text) > _NAME_LIMIT or not text.isprintable():
        raise ValueProblem("file.malformed", say("The key of a file is expected, not {value}", value=show(raw)))
    return text


def _parsed(raw: Any) -> Any:
    """What a CSV cell holds: JSON, or a key."""
    if isinstance(raw, str) and raw.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise ValueProblem("file.malformed", "Not valid JSON") from None
    return raw.strip() if isinstance(raw, str) else raw


def _buckets(app: App) -> set[str]:
    written = app.later.get("buckets") or []
    entries = written if isinstance(written, list | tuple) else list(written)
    return {str(each.get("name") if isinstance(each, Mapping) else each) for each in entries}


def _example(field: AttachmentField, rng: Random) -> Attachment:
    allowed = field.options.allowed_file_types or ("application/pdf",)
    kind = allowed[0].replace("*", "png")
    key = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))
    size = rng.randint(1, min(90_000, field.options.max_file_size or 90_000))
    return {"key": key, "filename": f"file-{rng.randint(1, 99)}", "mimeType": kind, "size": size, "bucket": "local"}
