"""What the console has told: every toast, kept for the messages panel."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from screens.presenters.signal import Signal

Severity = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    time: datetime
    severity: Severity
    text: str
    title: str = ""


class MessageLog:
    """The last 200 messages, newest last."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque(maxlen=200)
        self.added: Signal[Message] = Signal()

    def add(self, message: Message) -> None:
        self.messages.append(message)
        self.added.publish(message)
