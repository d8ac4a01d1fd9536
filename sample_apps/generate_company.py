"""Writes the data of the company sample, the same bytes every time: python sample_apps/generate_company.py

Links name the position of a row in its file, which is its id in a fresh database; cells of files a place in `data/files`.
"""

import struct
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from generate_crm import PEOPLE, TODAY, ascii_slug, maybe, packed, phone, write

COUNTS = {"people": 40, "projects": 60, "tasks": 900, "time_entries": 6000, "invoices": 300}
Row = dict[str, Any]

# name, code, the department that it is part of, colour, budget a year, positions (the first is its head's)
DEPARTMENTS = [
    ("Management", "MGT", None, "#2D3748", 480_000, ["Managing director", "Assistant"]),
    ("Production", "PRO", 1, "#2B6CB0", 620_000, ["Head of production", "Producer"]),
    ("Design", "DES", 2, "#B83280", 760_000, ["Art director", "Designer", "Illustrator"]),
    ("Engineering", "ENG", 2, "#2C7A7B", 1_150_000, ["Lead engineer", "Engineer", "Data engineer"]),
    ("Film", "FLM", 2, "#C05621", 540_000, ["Director of photography", "Editor", "Sound engineer"]),
    ("Workshop", "WRK", 2, "#975A16", 460_000, ["Master carpenter", "Carpenter"]),
    ("Sales", "SAL", 1, "#2F855A", 410_000, ["Head of sales", "Account manager"]),
    ("Finance", "FIN", 1, "#4A5568", 350_000, ["Head of finance", "Bookkeeper"]),
    ("People and Culture", "HR", 1, "#6B46C1", 230_000, ["Head of people", "Recruiter"]),
]
SKILLS_OF = {
    "MGT": ["finance", "law", "sales"],
    "PRO": ["writing", "sales", "finance"],
    "DES": ["design", "writing", "video"],
    "ENG": ["python", "sql", "teaching"],
    "FLM": ["video", "design", "writing"],
    "WRK": ["carpentry", "design", "teaching"],
    "SAL": ["sales", "writing", "law"],
    "FIN": ["finance", "sql", "law"],
    "HR": ["teaching", "law", "writing"],
}
SKILLS = ["python", "sql", "design", "writing", "sales", "finance", "law", "carpentry", "video", "teaching"]
PRODUCING = ("PRO", "DES", "ENG", "FLM", "WRK")

# name, country, place, VAT number
CLIENTS = [
    ("Museum am Hafen", "Germany", (53.5436, 9.9661), "DE811234567"),
    ("Théâtre des Deux Rives", "France", (47.2128, -1.5594), "FR40303265045"),
    ("Tidewater Rail", "United Kingdom", (51.4545, -2.5879), "GB987654321"),
    ("Kirjasto Oy", "Finland", (60.1699, 24.9384), "FI20774740"),
    ("Mercado Novo", "Portugal", (41.1496, -8.6109), "PT501442600"),
    ("北方 Instruments", "China", (30.5728, 104.0668), None),
    ("Casa dei Semi", "Italy", (45.0703, 7.6869), "IT00743110157"),
    ("Φάρος Publishing", "Greece", (40.6401, 22.9444), "EL094019245"),
    ("Wellington Harbour Trust", "New Zealand", (-41.2866, 174.7756), None),
    ("Orto Botanico", "Italy", (45.399, 11.8805), "IT01114601006"),
    ("Sól & Saltfish", "Iceland", (64.1466, -21.9426), None),
    ("Jardim Escola", "Portugal", (38.7223, -9.1393), "PT502757191"),
]
LABELS = ["culture", "public", "long-standing", "pays late", "pays early", "new", "travel"]
THINGS = [
    "exhibition",
    "signage",
    "website",
    "archive",
    "film",
    "reading room",
    "app",
    "stage set",
    "annual report",
    "shop",
]
ACTS = ["Plan for the", "New", "Second phase of the", "Repair of the", "Small", "Travelling"]
STATES = {"planned": 9, "running": 24, "paused": 5, "done": 19, "lost": 3}
STEPS = [
    "Interviews", "Site visit", "Floor plan", "Sketches", "Model 1:20", "Texts, first draft", "Translation", "Wireframes",
    "Data import", "Search", "Lighting test", "Colour proofs", "Storyboard", "Filming day", "Rough cut", "Sound mix",
    "Showcases", "Joinery", "Transport", "Mounting", "Press kit", "Opening", "Handover", "Documentation", "Final report",
]  # fmt: skip
DETAILS = [
    "The client sends the last texts on Friday.",
    "Two variants, not more.\nThe second one without the mezzanine.",
    "Ask the lender for the climate report first.",
    "Measured on site; the drawing of 2019 is wrong by 4 cm.",
    "Cheap paper is fine for this round.",
]
NOTES = ["with the client", "travel", "on site", "corrections", "night shift", "call", "second round", "for the tender"]
WORK = [
    "Concept",
    "Design",
    "Engineering",
    "Filming",
    "Joinery",
    "Material",
    "Travel",
    "Project lead",
    "Print",
    "Licences",
]


def money(value: float) -> str:
    return f"{value:.2f}"


def departments(heads: dict[int, int]) -> Iterator[Row]:
    for number, (name, code, part_of, colour, budget, _) in enumerate(DEPARTMENTS, start=1):
        yield {
            "name": name,
            "code": code,
            "part_of": part_of,
            "head": heads[number],
            "colour": colour,
            "budget": budget,
        }


def people(rng: Random) -> Iterator[Row]:
    """Heads of departments first, so that everybody's manager stands above."""
    languages = list(PEOPLE)
    size = len(DEPARTMENTS)
    seen: set[str] = set()
    for number in range(COUNTS["people"]):
        department = number + 1 if number < size else rng.choice((3, 3, 3, 4, 4, 4, 4, 5, 5, 6, 6, 2, 7, 8, 9))
        _, code, parent, _, _, positions = DEPARTMENTS[department - 1]
        is_head = number < size
        name, language = "", languages[0]
        while not name or name in seen:
            language = rng.choice(languages)
            given, family, *_ = PEOPLE[language]
            name = f"{rng.choice(given)[0]} {rng.choice(family)[0]}"
        seen.add(name)
        slug = ".".join(map(ascii_slug, name.split(" ", 1)))
        started = TODAY - timedelta(days=rng.randrange(60, 4200))
        contract = "permanent"
        if not is_head:
            contract = rng.choices(["permanent", "trial", "notice", "left"], weights=[74, 12, 6, 8])[0]
            if contract == "trial":
                started = TODAY - timedelta(days=rng.randrange(5, 120))
        salary = rng.randrange(72, 110) * 1000 if is_head else rng.randrange(38, 71) * 1000
        own = SKILLS_OF[code]
        skills = set(rng.sample(own, 2)) | set(rng.sample(SKILLS, rng.randrange(0, 3)))
        yield {
            "name": name,
            "email": f"{slug}@harbourlight.example",
            "phone": maybe(rng, "".join(phone(rng, PEOPLE[language][4]).split())),
            "photo": f"people/{slug}.png" if number % 3 == 0 else None,
            "department": department,
            "manager": (parent if is_head else department),
            "position": positions[0] if is_head else rng.choice(positions[1:]),
            "skills": packed(sorted(skills, key=SKILLS.index)),
            "contract": contract,
            "salary": money(salary),
            "hourly_cost": money(round(salary * 1.3 / 1680, 2)),
            "started": started.isoformat(),
            "notes": maybe(
                rng, rng.choice(("Works four days a week.", "Speaks three languages.", "Drives the van.")), 0.3
            ),
        }


def clients(rng: Random) -> Iterator[Row]:
    for name, country, (lat, lng), vat in CLIENTS:
        slug = ascii_slug(name.split(" ")[-1])
        yield {
            "name": name,
            "vat_number": vat,
            "email": f"office@{slug}.example",
            "website": f"https://{slug}.example",
            "country": country,
            "place": packed({"lat": lat, "lng": lng}),
            "since": (TODAY - timedelta(days=rng.randrange(200, 3000))).isoformat(),
            "labels": packed(sorted(rng.sample(LABELS, rng.randrange(1, 4)))),
        }


def projects(rng: Random, staff: list[Row]) -> Iterator[Row]:
    by_code: dict[str, list[int]] = {}
    for number, person in enumerate(staff, start=1):
        by_code.setdefault(DEPARTMENTS[person["department"] - 1][1], []).append(number)
    producing = [number for code in PRODUCING for number in by_code[code]]
    states = [state for state, count in STATES.items() for _ in range(count)]
    rng.shuffle(states)
    titles: set[str] = set()
    for number, state in enumerate(states, start=1):
        title = ""
        while not title or title in titles:
            title = f"{rng.choice(ACTS)} {rng.choice(THINGS)}"
        titles.add(title)
        length = rng.randrange(60, 400)
        if state in ("done", "lost"):
            starts = TODAY - timedelta(days=length + rng.randrange(20, 500))
        elif state == "planned":
            starts = TODAY + timedelta(days=rng.randrange(5, 120))
        else:
            starts = TODAY - timedelta(days=rng.randrange(40, 300))
        team = sorted(rng.sample(producing, rng.randrange(3, 8)))
        client = rng.randrange(1, len(CLIENTS) + 1)
        yield {
            "title": title,
            "client": client,
            "lead": maybe(rng, rng.choice([*by_code["PRO"], *team]), 0.95),
            "team": packed(team),
            "state": state,
            "starts": starts.isoformat(),
            "due": maybe(rng, (starts + timedelta(days=length)).isoformat(), 0.95),
            "budget": maybe(rng, money(rng.randrange(8, 160) * 1000), 0.92),
            "documents": packed([f"projects/offer-{number:02d}.pdf"]) if number % 8 == 1 else None,
            "brief": maybe(
                rng,
                f"## {title}\n\nFor **{CLIENTS[client - 1][0]}**.\n\n- visitors: {rng.randrange(2, 90) * 1000:,} a year\n"
                f"- rooms: {rng.randrange(1, 9)}\n\n_{rng.choice(DETAILS).splitlines()[0]}_",
                0.8,
            ),
        }


def tasks(rng: Random, work: list[Row]) -> Iterator[Row]:
    of_project: dict[int, list[int]] = {}
    open_projects = list(range(1, len(work) + 1))
    for number in range(1, COUNTS["tasks"] + 1):
        project = number if number <= len(work) else rng.choice(open_projects)
        row = work[project - 1]
        earlier = of_project.setdefault(project, [])
        starts = date.fromisoformat(row["starts"])
        due = starts + timedelta(days=rng.randrange(10, 380))
        state = {
            "planned": "open",
            "lost": rng.choice(("open", "done")),
            "done": "done",
            "paused": rng.choice(("open", "doing", "done")),
            "running": rng.choices(("open", "doing", "review", "done"), weights=[3, 3, 1, 4])[0],
        }[row["state"]]
        step = f"{rng.choice(STEPS)}" + (f", part {len(earlier) // 12 + 1}" if len(earlier) >= 12 else "")
        files = []
        if number % 110 == 7:
            files.append(f"tasks/sketch-{number:03d}.png")
        if number % 220 == 7:
            files.append(f"tasks/note-{number:03d}.pdf")
        yield {
            "title": step,
            "project": project,
            "part_of": rng.choice(earlier) if earlier and rng.random() < 0.2 else None,
            "assignee": maybe(rng, rng.choice(ids(row["team"])), 0.85),
            "state": state,
            "priority": rng.choices((1, 2, 3, 4), weights=[2, 5, 3, 1])[0],
            "estimate": maybe(rng, rng.choice((1, 2, 4, 6, 8, 16, 24, 40)) * 3600 + rng.choice((0, 0, 1800)), 0.8),
            "due": maybe(rng, f"{due.isoformat()}T{rng.choice((8, 10, 12, 16)):02d}:00:00.000Z", 0.8),
            "done_share": {"open": 0, "doing": rng.choice((10, 30, 50, 70)), "review": 90, "done": 100}[state],
            "waits_for": packed(sorted(rng.sample(earlier, min(len(earlier), rng.randrange(1, 3)))))
            if earlier and rng.random() < 0.25
            else None,
            "details": maybe(rng, rng.choice(DETAILS), 0.4),
            "files": packed(files) if files else None,
        }
        earlier.append(number)


def ids(text: str) -> list[int]:
    return [int(each) for each in text.strip("[]").split(",") if each]


def time_entries(rng: Random, staff: list[Row], work: list[Row], jobs: list[Row]) -> Iterator[Row]:
    worked_on = [number for number, job in enumerate(jobs, start=1) if job["state"] != "open"]
    seen: set[tuple[int, int, date]] = set()
    while len(seen) < COUNTS["time_entries"]:
        task = rng.choice(worked_on)
        project = work[jobs[task - 1]["project"] - 1]
        person = rng.choice(ids(project["team"]))
        starts = date.fromisoformat(project["starts"])
        day = starts + timedelta(days=rng.randrange(0, max(1, min(380, (TODAY - starts).days))))
        if day.weekday() > 4 or (person, task, day) in seen:
            continue
        seen.add((person, task, day))
        cost = float(staff[person - 1]["hourly_cost"])
        yield {
            "person": person,
            "task": task,
            "day": day.isoformat(),
            "hours": money(rng.randrange(1, 33) / 4),
            "billable": "true" if rng.random() < 0.82 else "false",
            "rate": money(round(cost * 2.1 / 5) * 5),
            "note": maybe(rng, rng.choice(NOTES), 0.3),
        }


def invoices(rng: Random, work: list[Row]) -> Iterator[Row]:
    billed = [number for number, row in enumerate(work, start=1) if row["state"] in ("running", "paused", "done")]
    for number in range(1, COUNTS["invoices"] + 1):
        project = rng.choice(billed)
        client = work[project - 1]["client"]
        state = rng.choices(["draft", "sent", "paid", "overdue", "void"], weights=[6, 14, 68, 8, 4])[0]
        starts = date.fromisoformat(work[project - 1]["starts"])
        issued = starts + timedelta(days=rng.randrange(10, max(11, min(380, (TODAY - starts).days))))
        if state == "sent":
            issued = TODAY - timedelta(days=rng.randrange(0, 25))
        yield {
            "client": client,
            "project": maybe(rng, project, 0.93),
            "issued": None if state == "draft" else issued.isoformat(),
            "due": None if state == "draft" else (issued + timedelta(days=30)).isoformat(),
            "state": state,
            "vat": {"Germany": 19, "France": 20, "Finland": 25.5, "Portugal": 23, "Italy": 22, "Greece": 24}.get(
                CLIENTS[client - 1][1], 0
            ),
            "paper": f"invoices/{1000 + number}.pdf" if number % 60 == 5 and state != "draft" else None,
            "remarks": maybe(rng, rng.choice(("Thank you.", "Order number on every letter, please.")), 0.2),
        }


def invoice_lines(rng: Random) -> Iterator[Row]:
    for invoice in range(1, COUNTS["invoices"] + 1):
        for position in range(1, 2 + (invoice * 7 + 3) % 5):
            yield {
                "invoice": invoice,
                "position": position,
                "description": f"{rng.choice(WORK)}, {rng.choice(('first', 'second', 'third', 'last'))} part",
                "quantity": money(rng.choice((1, 1, 1, 2, 4, 8, 12.5, 0.25))),
                "unit_price": money(rng.choice((85, 95, 110, 480, 650.5, 1200, 2499.99))),
            }


def png(seed: str, blocks: int = 8, scale: int = 6) -> bytes:
    """A symmetric pattern in two colours. Stored, not compressed: no library of compression changes the bytes."""
    rng = Random(seed)
    colour = bytes(rng.randrange(40, 200) for _ in range(3))
    left = [[rng.random() < 0.5 for _ in range(blocks // 2)] for _ in range(blocks)]
    rows = [
        b"\0" + b"".join(bytes([on]) * scale for on in [*half, *reversed(half)]) for half in left for _ in range(scale)
    ]
    raw, size = b"".join(rows), blocks * scale
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 3, 0, 0, 0)),
        (b"PLTE", b"\xf2\xf2\xf2" + colour),
        (b"IDAT", stored + struct.pack(">I", zlib.adler32(raw))),
        (b"IEND", b""),
    ]
    framed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def pdf(*lines: str) -> bytes:
    """One page of text."""
    drawn = "\n".join(f"({line.replace(chr(92), '').replace('(', '').replace(')', '')}) Tj T*" for line in lines)
    content = f"BT /F1 14 Tf 20 TL 60 760 Td\n{drawn}\nET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(out),
    )


def write_files(folder: Path, tables: list[list[Row]]) -> None:
    """The files that the cells of the rows name."""
    for rows in tables:
        for row in rows:
            cells = [row.get("photo"), row.get("paper"), *named(row.get("documents")), *named(row.get("files"))]
            for name in filter(None, cells):
                path = folder / "files" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                title = str(row.get("title") or f"Invoice {path.stem}")
                path.write_bytes(png(name) if name.endswith(".png") else pdf("Harbourlight", path.stem, title))


def named(cell: str | None) -> list[str]:
    return cell.strip('[]"').split('","') if cell else []


def generate(folder: Path) -> None:
    """Write one CSV per table, and the files."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "departments", departments({number: number for number in range(1, len(DEPARTMENTS) + 1)}))
    staff = write(folder, "people", people(Random("people")))
    write(folder, "clients", clients(Random("clients")))
    work = write(folder, "projects", projects(Random("projects"), staff))
    jobs = write(folder, "tasks", tasks(Random("tasks"), work))
    write(folder, "time_entries", time_entries(Random("hours"), staff, work, jobs))
    bills = write(folder, "invoices", invoices(Random("invoices"), work))
    write(folder, "invoice_lines", invoice_lines(Random("lines")))
    write_files(folder, [staff, work, jobs, bills])


if __name__ == "__main__":
    generate(Path(__file__).parent / "company" / "data")
