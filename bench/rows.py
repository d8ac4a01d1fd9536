"""The rows that every product gets: row n is the same everywhere."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

COLUMNS = ("name", "email", "status", "amount", "created")
STATUSES = ("lead", "active", "churned", "vip")
GIVEN = "Asta Bo Carl Dina Emil Finn Gro Hanne Ida Jens Kaj Liv Mads Nora Olaf Pia".split()
FAMILY = "Ager Bech Dahl Elk Friis Gade Holm Iversen Juul Krog Lund Mork Nygaard Ravn Skov Toft".split()
FIRST_DAY = date(2017, 1, 1)


def rows(count: int) -> Iterator[tuple[str, str, str, str, str]]:
    """`count` rows in the order of COLUMNS; statuses 50/30/15/5 %, amounts even over 0..10,000."""
    random = Random(2017)
    for number in range(1, count + 1):
        given, family = random.choice(GIVEN), random.choice(FAMILY)
        yield (
            f"{given} {family} {number}",
            f"{given}.{family}.{number}@example.com".lower(),
            random.choices(STATUSES, (50, 30, 15, 5))[0],
            f"{random.random() * 10_000:.2f}",
            (FIRST_DAY + timedelta(days=random.randrange(3000))).isoformat(),
        )


def new_row(number: int) -> dict[str, object]:
    """A row to create while measuring."""
    return {
        "name": f"New Row {number}",
        "email": f"new.{number}@example.com",
        "status": STATUSES[number % 4],
        "amount": number * 37 % 10_000 + 0.5,
        "created": (FIRST_DAY + timedelta(days=number % 3000)).isoformat(),
    }


def csv_file(folder: Path, count: int) -> Path:
    """The rows as a CSV file, written once."""
    path = folder / f"rows-{count}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows(count))
        partial.rename(path)
    return path
