"""Records edited by keys in the console, over a real server; each file of `replay/` is one story (T-144)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.support.console import console
from tests.support.replay import Replay
from tests.support.server import RunningServer

STORIES = sorted((Path(__file__).parent / "replay").glob("*.yaml"))
APP = """
name: desk
tables:
  - id: 1
    name: firms
    fields:
      - {id: 1, name: name, type: single-line-text, required: true, unique: true}
      - {id: 2, name: city, type: single-line-text}
  - id: 2
    name: people
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: firm, type: relationship, relatedTable: firms, relationType: many-to-one}
      - {id: 3, name: age, label: Age in years, type: integer, min: 0, max: 150}
      - {id: 4, name: pay, type: decimal, precision: 2}
      - {id: 5, name: born, type: date, dateFormat: ISO}
      - {id: 6, name: seen, type: datetime, timeZone: UTC}
      - {id: 7, name: starts, type: time}
      - {id: 8, name: took, type: duration}
      - {id: 9, name: active, type: checkbox}
      - {id: 10, name: stage, type: status, options: [Lead, Won, Lost]}
      - {id: 11, name: tags, type: multi-select, options: [red, green, blue]}
      - {id: 12, name: stars, type: rating, max: 5}
      - {id: 13, name: extra, type: json}
      - {id: 14, name: notes, type: long-text}
      - {id: 15, name: mail, label: E-mail, type: email, unique: true}
      - {id: 16, name: number, type: autonumber}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.stem)
async def test_story(desk: RunningServer, story: Path) -> None:
    """T-148: what is refused is told with the label of the field, the reason and the value (`server_refuses` by the server,
    `value_is_refused` before)."""
    desk.empty()
    await Replay(story, desk, lambda port: console(port, session=SessionStore(None))).run()


def test_there_are_stories() -> None:
    assert len(STORIES) >= 15
