"""Batches of which those records are written that can be (R-054), in one transaction. DuckDB knows no savepoints, so which
ones cannot is found out before, by tries that are undone."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import NotFound, SovriumError
from core.records.commit import Undone

Write = Callable[..., Awaitable[Any]]
Tell = Callable[[Any, Sequence[int], Mapping[int, SovriumError]], Any]


@dataclass(slots=True)
class Trial:
    """A job that is done and taken back."""

    job: Any
    group: Hashable | None = None

    def run(self, tx: Any) -> None:
        self.job.run(tx)
        raise Undone

    def run_group(self, tx: Any, jobs: Sequence["Trial"]) -> list[Any]:
        raise Undone  # never grouped


async def write_sparing(write: Write, work: Callable[[Sequence[int]], Any], count: int, tell: Tell) -> Any:
    """Write a batch of `count` records; the answer that `tell` makes of what the job gives (None where no record can be
    written), the places that it was made of, and the errors of the others. `work` makes the job of some places."""
    places = list(range(count))
    try:
        return await write(work(places), tell=lambda done: tell(done, places, {}))
    except SovriumError:
        good, errors = await _sort_out(write, work, places)
    if not good:
        return tell(None, good, errors)
    return await write(work(good), tell=lambda done: tell(done, good, errors))


async def _sort_out(
    write: Write, work: Callable[[Sequence[int]], Any], places: list[int]
) -> tuple[list[int], dict[int, SovriumError]]:
    good: list[int] = []
    errors: dict[int, SovriumError] = {}

    async def sort(some: list[int]) -> None:
        if (error := await _error_of(write, work(sorted((*good, *some))))) is None:
            good.extend(some)
        elif len(some) == 1:
            errors[some[0]] = error
        else:
            middle = len(some) // 2
            await sort(some[:middle])
            await sort(some[middle:])

    waiting = places
    while waiting:
        before = len(good)
        await sort(waiting)
        for place in good:
            errors.pop(place, None)
        # One that others of the batch pointed at can go once they do.
        waiting = [place for place, error in errors.items() if not isinstance(error, NotFound)]
        if len(good) == before:
            break
    return sorted(good), errors


async def _error_of(write: Write, job: Any) -> SovriumError | None:
    try:
        await write(Trial(job))
    except Undone:
        return None
    except SovriumError as error:
        return error
    raise AssertionError("unreachable")
