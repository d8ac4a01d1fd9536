"""Writes the data of the CRM sample: the same bytes every time. Run from the repository: python sample_apps/generate_crm.py

Links name the position of a row in its file, which is its id in a fresh database.
"""

import csv
import json
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

TODAY = date(2026, 9, 1)
COUNTS = {"companies": 320, "contacts": 1400, "products": 96, "deals": 760, "activities": 2200, "line_items": 2600}

# language, given and family names in the Latin script and in their own, cities, country, phone prefix
PEOPLE: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]], list[str], str, str]] = {
    "en": (
        [
            ("Ada", "Ada"),
            ("Oliver", "Oliver"),
            ("Grace", "Grace"),
            ("Rory", "Rory"),
            ("Imogen", "Imogen"),
            ("Zadie", "Zadie"),
        ],
        [
            ("Whitlock", "Whitlock"),
            ("O'Hara", "O'Hara"),
            ("Pemberton", "Pemberton"),
            ("Ashdown", "Ashdown"),
            ("Nkemelu", "Nkemelu"),
        ],
        ["Leeds", "Bristol", "Galway", "Wellington"],
        "United Kingdom",
        "+44 113 ",
    ),
    "fr": (
        [("Éloïse", "Éloïse"), ("Benoît", "Benoît"), ("Aïcha", "Aïcha"), ("Théo", "Théo"), ("Maëlle", "Maëlle")],
        [("Lefèvre", "Lefèvre"), ("Garçon", "Garçon"), ("Desrosiers", "Desrosiers"), ("N'Diaye", "N'Diaye")],
        ["Nantes", "Besançon", "Québec", "Genève"],
        "France",
        "+33 2 ",
    ),
    "de": (
        [("Jürgen", "Jürgen"), ("Annika", "Annika"), ("Björn", "Björn"), ("Lieselotte", "Lieselotte")],
        [("Müller-Straß", "Müller-Straß"), ("Köhler", "Köhler"), ("Weiß", "Weiß"), ("Schröder", "Schröder")],
        ["Köln", "Zürich", "Graz", "Lübeck"],
        "Germany",
        "+49 221 ",
    ),
    "es": (
        [("Íñigo", "Íñigo"), ("Begoña", "Begoña"), ("Joaquín", "Joaquín"), ("Ximena", "Ximena")],
        [("Muñoz", "Muñoz"), ("Ibáñez", "Ibáñez"), ("Echeverría", "Echeverría"), ("Güell", "Güell")],
        ["Bilbao", "Oaxaca", "Córdoba", "Bogotá"],
        "Spain",
        "+34 94 ",
    ),
    "pt": (
        [("João", "João"), ("Conceição", "Conceição"), ("Inês", "Inês")],
        [("Magalhães", "Magalhães"), ("Araújo", "Araújo")],
        ["Porto", "São Paulo", "Recife"],
        "Portugal",
        "+351 22 ",
    ),
    "it": (
        [("Niccolò", "Niccolò"), ("Noemi", "Noemi"), ("Gaia", "Gaia")],
        [("Cannavò", "Cannavò"), ("De Santis", "De Santis")],
        ["Torino", "Bari", "Trieste"],
        "Italy",
        "+39 011 ",
    ),
    "pl": (
        [("Łukasz", "Łukasz"), ("Małgorzata", "Małgorzata"), ("Grażyna", "Grażyna")],
        [("Wiśniewska", "Wiśniewska"), ("Żółć", "Żółć"), ("Dąbrowski", "Dąbrowski")],
        ["Łódź", "Gdańsk", "Kraków"],
        "Poland",
        "+48 42 ",
    ),
    "el": (
        [("Eleni", "Ελένη"), ("Giorgos", "Γιώργος"), ("Katerina", "Κατερίνα")],
        [("Papadopoulou", "Παπαδοπούλου"), ("Nikolaidis", "Νικολαΐδης")],
        ["Thessaloniki", "Patras"],
        "Greece",
        "+30 231 ",
    ),
    "uk": (
        [("Oksana", "Оксана"), ("Andrii", "Андрій"), ("Yuliia", "Юлія")],
        [("Shevchuk", "Шевчук"), ("Koval", "Коваль")],
        ["Lviv", "Odesa"],
        "Ukraine",
        "+380 32 ",
    ),
    "tr": (
        [("Ayşe", "Ayşe"), ("Çağlar", "Çağlar"), ("İpek", "İpek")],
        [("Yıldız", "Yıldız"), ("Öztürk", "Öztürk")],
        ["İzmir", "Ankara"],
        "Türkiye",
        "+90 232 ",
    ),
    "ar": (
        [("Layla", "ليلى"), ("Omar", "عمر"), ("Yasmin", "ياسمين")],
        [("Haddad", "حداد"), ("Al-Masri", "المصري")],
        ["Amman", "Tunis", "Casablanca"],
        "Jordan",
        "+962 6 ",
    ),
    "he": (
        [("Noa", "נועה"), ("Eitan", "איתן")],
        [("Peretz", "פרץ"), ("Shalev", "שלו")],
        ["Haifa"],
        "Israel",
        "+972 4 ",
    ),
    "hi": (
        [("Ananya", "अनन्या"), ("Vikram", "विक्रम"), ("Priya", "प्रिया")],
        [("Sharma", "शर्मा"), ("Iyer", "अय्यर")],
        ["Pune", "Jaipur"],
        "India",
        "+91 20 ",
    ),
    "th": (
        [("Somchai", "สมชาย"), ("Malee", "มาลี")],
        [("Srisai", "ศรีใส"), ("Wongsa", "วงษา")],
        ["Chiang Mai"],
        "Thailand",
        "+66 53 ",
    ),
    "zh": (
        [("Wei", "伟"), ("Xiuying", "秀英"), ("Jing", "静")],
        [("Wang", "王"), ("Ouyang", "欧阳"), ("Liu", "刘")],
        ["Chengdu", "Taipei"],
        "China",
        "+86 28 ",
    ),
    "ja": (
        [("Haruka", "遥"), ("Kenji", "健二"), ("Sakura", "さくら")],
        [("Watanabe", "渡辺"), ("Fujimoto", "藤本")],
        ["Kyoto", "Sapporo"],
        "Japan",
        "+81 75 ",
    ),
    "ko": (
        [("Min-jun", "민준"), ("Seo-yeon", "서연")],
        [("Kim", "김"), ("Hwang", "황")],
        ["Busan"],
        "South Korea",
        "+82 51 ",
    ),
    "vi": (
        [("Nguyệt", "Nguyệt"), ("Đức", "Đức")],
        [("Nguyễn", "Nguyễn"), ("Trần", "Trần")],
        ["Đà Nẵng"],
        "Vietnam",
        "+84 236 ",
    ),
    "sw": (
        [("Wanjiru", "Wanjiru"), ("Juma", "Juma")],
        [("Mwangi", "Mwangi"), ("Odhiambo", "Odhiambo")],
        ["Mombasa", "Arusha"],
        "Kenya",
        "+254 41 ",
    ),
}
COMPANY_HEADS = [
    "Nordwind",
    "Blue Heron",
    "Atelier",
    "Kestrel",
    "Sakura",
    "Müller & Töchter",
    "Rio Claro",
    "Halcyon",
    "Ostrava",
    "Perihelion",
    "Marlow",
    "Qanat",
    "Ferrum",
    "Lumière",
    "Tundra",
    "Baobab",
    "Kite",
    "Orchard",
    "Solstice",
    "Anvil",
    "Cobalt",
    "Meridian",
    "Juniper",
    "Osprey",
    "Zephyr",
    "Granite",
    "Lagoon",
    "Copper Lane",
    "Fjord",
    "Mistral",
]
COMPANY_TAILS = {
    "Software": "Systems",
    "Manufacturing": "Works",
    "Retail": "Stores",
    "Health": "Clinics",
    "Logistics": "Freight",
    "Energy": "Power",
    "Education": "Academy",
    "Food": "Foods",
    "Finance": "Capital",
    "Media": "Studios",
}
STREETS = ("Mill", "Station", "Harbour", "Garden", "Market")
COLOURS = ["graphite", "white", "signal orange"]
PRAISE = ("quiet, quick and repairable", "for teams that share one floor", "made to last")
LABELS = ["partner", "key account", "reseller", "newsletter", "reference", "at risk"]
POSITIONS = [
    "Head of Purchasing",
    "CTO",
    "Office Manager",
    "Founder",
    "Plant Manager",
    "Buyer",
    "Finance Lead",
    "IT Administrator",
    "Operations Director",
    "Project Lead",
]
STAGES = {
    "Lead": (10, 28),
    "Qualified": (25, 20),
    "Proposal": (50, 16),
    "Negotiation": (75, 10),
    "Won": (100, 16),
    "Lost": (0, 10),
}
CATEGORIES = {
    "Hardware": ["Badge Reader", "Edge Gateway", "Label Printer", "Barcode Scanner", "Rack Sensor", "Touch Panel"],
    "Licence": ["Warehouse Suite", "Planner", "Field App", "Analytics", "Connector Pack", "Audit Trail"],
    "Service": ["Site Survey", "Data Migration", "Installation", "Health Check"],
    "Training": ["Operator Course", "Admin Course", "Train the Trainer"],
    "Support": ["Silver Support", "Gold Support", "On-site Day"],
}
EDITIONS = ["", "Compact", "Pro", "Max", "2026", "Outdoor"]
DEAL_NOUNS = ["rollout", "pilot", "renewal", "extension", "second site", "replacement", "framework contract"]
SUBJECTS = {
    "Call": "Call about the {0}",
    "Meeting": "Meeting: {0}",
    "E-mail": "Sent the {0}",
    "Demo": "Demo of the {0}",
    "Visit": "Visit on site, {0}",
    "Task": "Prepare the {0}",
}
TOPICS = [
    "offer",
    "delivery date",
    "contract draft",
    "test results",
    "price list",
    "security questions",
    "second floor",
    "training plan",
]
NOTES = [
    "Prefers a short call over a long mail.",
    "Asked for references in the same trade.",
    "Decision is taken by the board in the second week of the month.",
    "Very precise about delivery dates.",
    "Met at the fair; wants to see the scanner work with gloves.",
    "Budget is approved, the legal department is slow.",
    "Knows our old product well.\nWants to keep the reports as they are.",
]


def phone(rng: Random, prefix: str) -> str:
    return prefix + " ".join(f"{rng.randrange(10, 100)}" for _ in range(4))


def day(rng: Random, back: int, ahead: int = 0) -> date:
    return TODAY + timedelta(days=rng.randrange(-back, ahead + 1))


def instant(rng: Random, back: int, ahead: int = 0) -> str:
    moment = datetime.combine(day(rng, back, ahead), time(rng.randrange(7, 19), rng.choice((0, 10, 15, 30, 45))))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def packed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def maybe(rng: Random, value: Any, chance: float = 0.85) -> Any:
    return value if rng.random() < chance else None


def ascii_slug(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("Ł", "L").replace("ł", "l").replace("ı", "i"))
    return "".join(c for c in text.lower() if c.isascii() and c.isalnum()) or "info"


def companies(rng: Random) -> Iterator[dict[str, Any]]:
    languages = list(PEOPLE)
    for number in range(COUNTS["companies"]):
        industry = rng.choice(list(COMPANY_TAILS))
        _, _, cities, country, prefix = PEOPLE[rng.choice(languages)]
        head, round_ = COMPANY_HEADS[number % len(COMPANY_HEADS)], number // len(COMPANY_HEADS)
        city = rng.choice(cities)
        name = f"{head} {COMPANY_TAILS[industry]}" + (f" {city}" if round_ else "")
        employees = int(rng.lognormvariate(4, 1.3)) + 1
        customer = rng.random() < 0.45
        yield {
            "name": name,
            "industry": industry,
            "website": maybe(rng, f"https://{ascii_slug(head)}-{number + 1}.example"),
            "phone": maybe(rng, phone(rng, prefix)),
            "city": city,
            "country": country,
            "employees": employees,
            "revenue": f"{employees * rng.uniform(40_000, 210_000):.2f}",
            "founded": day(rng, 365 * 90).isoformat(),
            "customer": "true" if customer else "false",
            "labels": maybe(rng, packed(sorted(rng.sample(LABELS, rng.randrange(1, 4)), key=LABELS.index)), 0.6),
            "health": rng.randrange(1, 6) if customer else None,
            "churn_risk": f"{rng.betavariate(2, 6) * 100:.1f}" if customer else None,
            "opens": maybe(rng, f"{rng.choice((7, 8, 9, 10)):02d}:{rng.choice((0, 30)):02d}:00", 0.5),
            "address": packed(
                {
                    "street": f"{rng.choice(STREETS)} Street {rng.randrange(1, 180)}",
                    "postcode": f"{rng.randrange(10_000, 99_999)}",
                    "floor": rng.choice((None, 1, 2, 3)),
                }
            ),
            "about": maybe(
                rng,
                f"**{head}** has worked in {industry.lower()} since the start, mostly around {city}. "
                f"_{employees} people._",
                0.7,
            ),
        }


def contacts(rng: Random) -> Iterator[dict[str, Any]]:
    languages = list(PEOPLE)
    for number in range(COUNTS["contacts"]):
        language = rng.choice(languages)
        given, family, _, _, prefix = PEOPLE[language]
        (first, own_first), (last, own_last) = rng.choice(given), rng.choice(family)
        own = f"{own_last}{own_first}" if language in ("zh", "ja", "ko") else f"{own_first} {own_last}"
        yield {
            "name": f"{first} {last}",
            "native_name": own if own != f"{first} {last}" else None,
            "email": f"{ascii_slug(first)}.{ascii_slug(last)}.{number + 1}@example.com",
            "phone": maybe(rng, phone(rng, prefix)),
            "company": maybe(rng, rng.randrange(1, COUNTS["companies"] + 1), 0.95),
            "position": rng.choice(POSITIONS),
            "language": language,
            "birthday": maybe(rng, day(rng, 365 * 45).replace(year=rng.randrange(1958, 2004), day=15).isoformat(), 0.5),
            "newsletter": rng.choice(("true", "false")),
            "last_contact": maybe(rng, instant(rng, 400), 0.8),
            "best_time": maybe(rng, f"{rng.randrange(8, 18):02d}:{rng.choice((0, 15, 30)):02d}:00", 0.4),
            "rapport": maybe(rng, rng.randrange(1, 6), 0.7),
            "profile": maybe(
                rng,
                packed(
                    {
                        "likes": rng.sample(["coffee", "chess", "sailing", "jazz", "football", "maps"], 2),
                        "assistant": rng.choice((True, False)),
                    }
                ),
                0.4,
            ),
            "notes": maybe(rng, rng.choice(NOTES), 0.5),
        }


def products(rng: Random) -> Iterator[dict[str, Any]]:
    names = [
        (category, f"{base} {edition}".strip())
        for category, bases in CATEGORIES.items()
        for base in bases
        for edition in EDITIONS
    ]
    for number, (category, name) in enumerate(rng.sample(names, COUNTS["products"])):
        price = round(rng.lognormvariate(5.6, 0.9), 2)
        cost = price * rng.uniform(0.3, 0.8)
        yield {
            "sku": f"{category[:2].upper()}-{1000 + number * 7:04d}",
            "name": name,
            "category": category,
            "price": f"{price:.2f}",
            "cost": f"{cost:.4f}",
            "margin": f"{(1 - cost / price) * 100:.1f}",
            "stock": rng.randrange(0, 900) if category == "Hardware" else 0,
            "launched": day(rng, 2500).isoformat(),
            "active": "true" if rng.random() < 0.88 else "false",
            "setup": rng.choice((900, 1800, 3600, 5400, 9000, 28800)),
            "readiness": rng.choice((0, 20, 45, 60, 80, 95, 100, 100, 100)),
            "specification": packed(
                {
                    "weight_kg": round(rng.uniform(0.1, 14), 2),
                    "colours": rng.sample(["graphite", "white", "signal orange"], 2),
                }
            )
            if category == "Hardware"
            else None,
            "snippet": f"product: {name}\nunits: {rng.randrange(1, 9)}\n" if category == "Licence" else None,
            "description": f"{name}: {rng.choice(PRAISE)}.",
        }


def deals(rng: Random, people: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    by_company: dict[int, list[int]] = {}
    for position, person in enumerate(people, start=1):
        if person["company"]:
            by_company.setdefault(person["company"], []).append(position)
    for _ in range(COUNTS["deals"]):
        company = rng.choice(list(by_company))
        stage = rng.choices(list(STAGES), weights=[share for _, share in STAGES.values()])[0]
        open_ = stage not in ("Won", "Lost")
        topic = rng.choice([base for bases in CATEGORIES.values() for base in bases])
        yield {
            "title": f"{topic} {rng.choice(DEAL_NOUNS)}",
            "company": company,
            "contact": rng.choice(by_company[company]),
            "stage": stage,
            "amount": f"{rng.lognormvariate(9.3, 1.0):.2f}",
            "probability": STAGES[stage][0],
            "close_date": (day(rng, 0, 200) if open_ else day(rng, 400)).isoformat(),
            "source": rng.choice(["Referral", "Website", "Fair", "Cold call", "Partner", "Renewal"]),
            "labels": maybe(
                rng, packed(rng.sample(["urgent", "upsell", "renewal", "tender", "pilot"], rng.randrange(1, 3))), 0.4
            ),
            "next_step": rng.choice(NOTES) if open_ else None,
            "opened": instant(rng, 500),
        }


def activities(rng: Random, people_of_deal: list[int]) -> Iterator[dict[str, Any]]:
    for _ in range(COUNTS["activities"]):
        kind = rng.choice(list(SUBJECTS))
        deal = rng.randrange(1, COUNTS["deals"] + 1)
        starts = instant(rng, 420, 60)
        done = starts < TODAY.isoformat() and rng.random() < 0.9
        yield {
            "subject": SUBJECTS[kind].format(rng.choice(TOPICS)),
            "kind": kind,
            "deal": maybe(rng, deal, 0.92),
            "contact": people_of_deal[deal - 1],
            "starts": starts,
            "took": rng.choice((300, 900, 1800, 2700, 3600, 7200)) if done else None,
            "done": "true" if done else "false",
            "priority": rng.randrange(1, 4),
            "summary": maybe(rng, rng.choice(NOTES), 0.4) if done else None,
        }


def line_items(rng: Random, goods: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    written, deal = 0, 0
    while written < COUNTS["line_items"]:
        deal = deal % COUNTS["deals"] + 1
        size = min(1 + (deal * 7 + 3) % 6, COUNTS["line_items"] - written)
        for position in range(1, size + 1):
            product = rng.randrange(1, len(goods) + 1)
            price, quantity = float(goods[product - 1]["price"]), rng.choice((1, 1, 2, 3, 5, 10, 25, 50))
            discount = rng.choice((0, 0, 0, 5, 7.5, 10, 15, 20))
            yield {
                "deal": deal,
                "product": product,
                "position": position,
                "quantity": quantity,
                "unit_price": f"{price:.2f}",
                "discount": f"{discount:.1f}",
                "total": f"{price * quantity * (1 - discount / 100):.2f}",
                "delivered": rng.choice((0, 0, 25, 50, 75, 100)),
                "remark": maybe(rng, rng.choice(("with the second delivery", "gift wrap", "black, if in stock")), 0.1),
            }
        written += size


def write(folder: Path, name: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = list(rows)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(kept[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    return kept


def generate(folder: Path) -> None:
    """Write one CSV per table."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "companies", companies(Random("companies")))
    people = write(folder, "contacts", contacts(Random("contacts")))
    goods = write(folder, "products", products(Random("products")))
    trades = write(folder, "deals", deals(Random("deals"), people))
    write(folder, "activities", activities(Random("activities"), [trade["contact"] for trade in trades]))
    write(folder, "line_items", line_items(Random("line_items"), goods))


if __name__ == "__main__":
    generate(Path(__file__).parent / "crm" / "data")
