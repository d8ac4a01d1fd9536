"""A provider of language models, as a server in the test's own process that knows both forms of asking."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.sink import Received, Reply, Sink


class FakeProvider(Sink):
    """`answer` gives the text, or the object where a schema is asked for; it may give a whole `Reply` instead."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[Received], Any] = lambda _: "ok"
        self.reply = self._reply

    @property
    def environment(self) -> str:
        """Lines of a `.env` file that lead here."""
        return f"AI_PROVIDER=openai\nAI_API_KEY=sk-secret\nAI_BASE_URL={self.url}\n"

    def _reply(self, request: Received) -> Reply:
        answer = self.answer(request)
        if isinstance(answer, tuple):
            return answer
        return 200, {"content-type": "application/json"}, json.dumps(_shaped(request, answer)).encode()


def question(request: Received) -> str:
    """What a person would read of it."""
    return str(request.json["messages"][-1]["content"])


def _shaped(request: Received, answer: Any) -> dict[str, Any]:
    if request.path.endswith("/messages"):
        block = {"type": "text", "text": answer} if isinstance(answer, str) else {"type": "tool_use", "input": answer}
        return {"content": [block], "stop_reason": "end_turn"}
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
