"""A language model: asked for a text, or for JSON that fits a schema. Two forms of talking to one are known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import orjson

from core.generation.reason import ANSWERS, ANSWERS_TEXT, BUSY, DECLINED, KEY_REFUSED, NOT_REACHED, OTHER_FORM, TOO_LONG
from core.generation.setting import ModelSettings
from core.outgoing import Incoming, Line, NotSent, Outgoing, Transport, send
from core.sentence import say

SECONDS = 60.0
ANSWER_BYTES = 1024 * 1024
ANSWER_TOKENS = 8_192
"""For the form that must be told, where the field says nothing."""
TOOL = "answer"
ONCE, MISFITS, FAULTS = 1, 3, 12
"""How often a question is asked in all: where asking again is of no use; where another answer may do; where the provider has
a fault, or too much to do."""
WAIT_MOST = 3_600.0
"""Seconds."""
HIDDEN = "•••"
_FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.DOTALL)


class NotAnswered(Exception):
    """There is no answer; the text says why. Worth asking `attempts` times in all, and not before `after` seconds; where it
    `passes`, what is wrong may be mended meanwhile, also some time later."""

    def __init__(self, reason: str, *, attempts: int = ONCE, after: float | None = None, passes: bool = False) -> None:
        super().__init__(reason)
        self.attempts = attempts
        self.after = after
        self.passes = passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`schema`: of an object that the answer is to be; None: it is to be a text."""

    system: str
    text: str
    schema: Mapping[str, Any] | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None


class Model:
    """The model that the environment names. It may lie in one's own network: who sets the environment runs the server."""

    def __init__(self, settings: ModelSettings, transport: Transport = send) -> None:
        self._settings = settings
        self._transport = transport
        self._form: _Form = _Messages() if settings.known.wire == "messages" else _Chat(settings.known.limit_key)

    def ask(self, question: Question, line: Line) -> Any:
        """The text, or the object. Blocks until `line` is cut at the latest. Raises NotAnswered."""
        settings, form = self._settings, self._form
        body = form.body(question) | {"model": question.model or settings.model}
        if question.temperature is not None:
            body["temperature"] = question.temperature
        headers = {"Content-Type": "application/json", "User-Agent": "sovrium-tui", **form.headers(settings.key)}
        request = Outgoing(
            url=settings.url + form.path,
            headers=headers,
            body=orjson.dumps(body),
            private=(settings.host,),
            seconds=SECONDS,
            answer_bytes=ANSWER_BYTES,
            line=line,
        )
        try:
            answer = self._transport(request)
        except NotSent as error:
            raise NotAnswered(say(NOT_REACHED, reason=str(error)), attempts=FAULTS, passes=True) from error
        if not 200 <= answer.status < 300:
            raise _refusal(answer, settings.key)
        try:
            return form.read(orjson.loads(answer.body), question)
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
            raise NotAnswered(OTHER_FORM, attempts=MISFITS) from error


class _Form(Protocol):
    path: str

    def headers(self, key: str | None) -> Mapping[str, str]: ...

    def body(self, question: Question) -> dict[str, Any]: ...

    def read(self, answer: Any, question: Question) -> Any:
        """Raises NotAnswered; LookupError, TypeError, AttributeError or JSONDecodeError for what has another form."""


class _Chat:
    path = "/chat/completions"

    def __init__(self, limit_key: str) -> None:
        self._limit_key = limit_key

    def headers(self, key: str | None) -> Mapping[str, str]:
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def body(self, question: Question) -> dict[str, Any]:
        messages = [{"role": "system", "content": question.system}, {"role": "user", "content": question.text}]
        body: dict[str, Any] = {"messages": messages}
        if question.max_tokens is not None:
            body[self._limit_key] = question.max_tokens
        if question.schema is not None:
            # Not every server behind this door heeds the format, so that the question says it as well.
            schema = orjson.dumps(question.schema).decode()
            messages[1]["content"] += f"\n\nAnswer with JSON alone, which fits this schema: {schema}"
            format_ = {"name": TOOL, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": format_}
        return body

    def read(self, answer: Any, question: Question) -> Any:
        choice = answer["choices"][0]
        _check_end(choice.get("finish_reason"))
        message = choice["message"]
        if message.get("refusal"):
            raise NotAnswered(DECLINED)
        text = message["content"].strip()
        if question.schema is None:
            return text
        fenced = _FENCE.match(text)
        return orjson.loads(fenced[1] if fenced else text)


class _Messages:
    path = "/messages"

    def headers(self, key: str | None) -> Mapping[str, str]:
        version = {"anthropic-version": "2023-06-01"}
        return version if key is None else version | {"x-api-key": key}

    def body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {
            "system": question.system,
            "messages": [{"role": "user", "content": question.text}],
            "max_tokens": question.max_tokens or ANSWER_TOKENS,
        }
        if question.schema is not None:
            # JSON of a schema is had as the input of a tool that the model has to call.
            body["tools"] = [{"name": TOOL, "description": "Give the answer", "input_schema": question.schema}]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        return body

    def read(self, answer: Any, question: Question) -> Any:
        _check_end(answer.get("stop_reason"))
        blocks = answer["content"]
        if question.schema is None:
            return "".join(block["text"] for block in blocks if block["type"] == "text").strip()
        return {block["type"]: block for block in blocks}["tool_use"]["input"]


def _check_end(reason: Any) -> None:
    """Raises NotAnswered where the model did not come to the end of its answer."""
    if reason in ("length", "max_tokens"):
        raise NotAnswered(TOO_LONG)
    if reason in ("content_filter", "refusal"):
        raise NotAnswered(DECLINED)


def _refusal(answer: Incoming, key: str | None) -> NotAnswered:
    status, after = answer.status, _after(answer.headers.get("retry-after"))
    if status in (401, 403):
        return NotAnswered(say(KEY_REFUSED, status=status), passes=True)
    if status in (429, 529):
        return NotAnswered(say(BUSY, status=status), attempts=FAULTS, after=after, passes=True)
    if status >= 500 or status in (408, 409):
        return NotAnswered(say(ANSWERS, status=status), attempts=FAULTS, after=after, passes=True)
    text = _told(answer.body, key)
    told = say(ANSWERS_TEXT, status=status, text=text) if text else say(ANSWERS, status=status)
    # What is wrong with the question itself is so tomorrow; an account may be filled up, a model be there.
    return NotAnswered(told, passes=status not in (400, 413, 422))


def _told(body: str, key: str | None) -> str:
    """What the provider says is wrong with the question, in one line; never the key."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    error = found.get("error", found) if isinstance(found, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str):
        return ""
    message = message.replace(key, HIDDEN) if key else message  # before it is cut: not half of the key either
    return " ".join(message.replace("\0", "").split())[:300]


def _after(text: str | None) -> float | None:
    """Seconds, from a number of them or a date."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else 0.0
    return min(max(seconds, 0.0), WAIT_MOST) if seconds == seconds else None
