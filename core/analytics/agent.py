"""What a User-Agent tells: kind of device, browser, operating system, or that it is a robot.

A small table of our own rather than a library: what is counted are the few families that make up nearly all visits, and a
name that is not among them is `Other`. The first pattern that fits wins, as most programs also claim to be others.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Device = Literal["desktop", "mobile", "tablet"]
OTHER = "Other"
BROWSERS = (
    ("Edge", re.compile(r"\bEdg(e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b|\bOPiOS/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Yandex", re.compile(r"\bYaBrowser/")),
    ("Vivaldi", re.compile(r"\bVivaldi/")),
    ("DuckDuckGo", re.compile(r"\b(DuckDuckGo|Ddg)/")),
    ("UC Browser", re.compile(r"\bUC ?Browser/")),
    ("Firefox", re.compile(r"\b(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(Chrome|CriOS|Chromium|HeadlessChrome)/")),
    ("Internet Explorer", re.compile(r"\bMSIE |\bTrident/")),
    ("Safari", re.compile(r"\bSafari/|\b(iPhone|iPad|iPod)\b.*AppleWebKit")),
)
SYSTEMS = (
    ("Windows", re.compile(r"\bWindows\b")),
    ("iOS", re.compile(r"\b(iPhone|iPad|iPod)\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("macOS", re.compile(r"\bMacintosh\b|\bMac OS X\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
TABLET = re.compile(r"\biPad\b|\bTablet\b|\bSilk/|\bKindle\b|\bPlayBook\b|\bAndroid\b(?!.*\bMobile\b)")
MOBILE = re.compile(r"\bMobi|\biPhone\b|\biPod\b|\bAndroid\b|\bOpera Mini\b")
ROBOT = re.compile(r"bot\b|\bbot|crawl|spider|slurp|facebookexternalhit|lighthouse", re.IGNORECASE)
"""Programs that say they are no people. Those that drive a browser for tests are not among them."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The program that has shown a page."""

    device: Device
    browser: str
    system: str
    is_robot: bool


@lru_cache(1024)
def agent_of(text: str) -> Agent:
    """What the header tells."""
    device: Device = "tablet" if TABLET.search(text) else "mobile" if MOBILE.search(text) else "desktop"
    return Agent(device, _first(BROWSERS, text), _first(SYSTEMS, text), ROBOT.search(text) is not None)


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in table if pattern.search(text)), OTHER)
