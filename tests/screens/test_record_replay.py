"""Links of several records, trash, bulk edits and the record panel by keys, over a real server; one file of
`replay_records/` is one story (T-106, T-144, R-049, R-059)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from screens.services.session import SessionStore
from sovrium_tui import __version__
from tests.support.console import console
from tests.support.replay import Replay
from tests.support.server import RunningServer

STORIES = sorted((Path(__file__).parent / "replay_records").glob("*.yaml"))
APP = """
name: desk
tables:
  - id: 1
    name: skills
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
  - id: 2
    name: people
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: skills, type: relationship, relatedTable: skills, relationType: many-to-many, reciprocalField: holders}
      - {id: 3, name: boss, type: relationship, relatedTable: people, relationType: many-to-one, displayField: name}
      - {id: 4, name: age, type: integer, min: 0}
      - {id: 5, name: twice, type: formula, formula: "age * 2", resultType: number}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.stem)
async def test_story(desk: RunningServer, story: Path) -> None:
    desk.empty()
    await Replay(story, desk, lambda port: console(port, session=SessionStore(None))).run()
