"""`python -m bench [--scale 0.01] [--only api|console]`: prints the tables and keeps the figures as JSON."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import load, rows, terminal
from bench.product import Ours, PocketBase, Product, load_average, pocketbase_binary

GOALS = {"get": 0.6, "create": 0.5, "update": 0.5, "batch 100": 5, "list 100k": 5, "list 1M": 5, "group 1M": 50}
"""Ratios to PocketBase that we mean to reach at 16 connections."""


def say(text: str = "") -> None:
    print(text, flush=True)


def api(work: Path, scale: float, seconds: float, runs: int, operations: tuple[str, ...]) -> dict[str, Any]:
    """Both products in turns, cell by cell."""
    ours, peer = Ours(work, scale), PocketBase(work, scale)
    products: tuple[Product, ...] = (ours, peer)
    results: dict[str, Any] = {}
    for product in products:
        product.prepare()
    try:
        for product in products:
            ready = product.launch()
            time.sleep(1)
            results[product.name] = {"ready s": round(ready, 2), "idle MiB": product.memory()}
            say(f"{product.name}: ready after {ready:.2f} s, idle {product.memory()} MiB")
        say(f"\nload average {load_average()}\n")
        say("| operation | connections | ours /s | p50 ms | p99 ms | PocketBase /s | p50 ms | p99 ms | ratio | goal |")
        say("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for operation in operations:
            for connections in (1, 16):
                figures: dict[str, list[load.Figure]] = {product.name: [] for product in products}
                for _ in range(1 if operation == "group 1M" and connections > 1 else runs):
                    for product in products:
                        figures[product.name].append(load.measure(product, operation, connections, seconds))
                results[f"{operation} x{connections}"] = row(
                    operation, connections, figures[ours.name], figures[peer.name]
                )
        results["import"] = import_rate(ours, peer, work, scale)
        results["memory after"] = {product.name: product.memory() for product in products}
        say(f"\nmemory after the run: {results['memory after']} MiB")
    finally:
        for product in products:
            product.stop()
    return results


def row(operation: str, connections: int, ours: list[load.Figure], peer: list[load.Figure]) -> dict[str, float]:
    """Print one line of the table; medians of the runs."""

    def middle(figures: list[load.Figure], name: str) -> float:
        return statistics.median(getattr(figure, name) for figure in figures)

    rate, peer_rate = middle(ours, "rate"), middle(peer, "rate")
    cells = [f"{rate:,.0f}", f"{middle(ours, 'median'):.2f}", f"{middle(ours, 'p99'):.1f}"]
    cells += [f"{peer_rate:,.0f}", f"{middle(peer, 'median'):.2f}", f"{middle(peer, 'p99'):.1f}"]
    ratio = rate / peer_rate if peer_rate else float("inf")
    goal = GOALS[operation] if connections == 16 else ""
    failed = sum(figure.failed for figure in (*ours, *peer))
    note = f" ({failed} failed)" if failed else ""
    say(f"| {operation} | {connections} | {' | '.join(cells)} | {ratio:.2f} | {goal}{note} |")
    return {"ours": rate, "peer": peer_rate, "ratio": ratio, "failed": failed}


def import_rate(ours: Ours, peer: Product, work: Path, scale: float) -> dict[str, float]:
    """CSV import against the peer's only way to load rows over HTTP, its batch calls."""
    count = ours.sizes["large"]
    taken = ours.import_csv("fresh", rows.csv_file(work, count))
    batch = load.measure(peer, "batch 100", 4, 2).rate * 100
    ratio = count / taken / batch
    say(f"\nCSV import of {count:,} rows: {taken:.1f} s, {count / taken:,.0f} rows/s")
    say(f"PocketBase by batches: {batch:,.0f} rows/s; ratio {ratio:.1f} (goal 10)")
    return {"ours": count / taken, "peer": batch, "ratio": ratio}


def console(work: Path, count: int) -> list[dict[str, Any]]:
    """The terminal walk over a table of `count` rows."""
    folder = work / f"console-{count}"
    if not (folder / "app.yaml").exists():
        source = rows.csv_file(work, count)
        command = [
            sys.executable,
            "-P",
            "-m",
            "sovrium_tui",
            "init",
            str(folder),
            "--from",
            str(source),
            "--name",
            "rows",
        ]
        subprocess.run(command, check=True)
        with (folder / "app.yaml").open("a") as file:
            file.write(terminal.OTHER)
    say(f"\n{count:,} rows at {terminal.COLUMNS}x{terminal.LINES}, load average {load_average()}\n")
    say("| step | s | console CPU ms | bytes | console MiB |")
    say("| --- | ---: | ---: | ---: | ---: |")
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)  # the console goes on where it was left
    home.mkdir(exist_ok=True)
    steps = []
    for step in terminal.run(folder / "app.yaml", f"[a-z] {count} ", home):
        steps.append(step)
        say(f"| {step.name} | {step.seconds:.3f} | {step.cpu:.1f} | {step.size:,} | {step.memory} |")
    return [{"step": s.name, "seconds": s.seconds, "cpu": s.cpu, "bytes": s.size, "memory": s.memory} for s in steps]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="0.01 for a trial with 1,000 and 10,000 rows")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the console's table")
    parser.add_argument("--only", choices=("api", "console"))
    parser.add_argument("--operations", default=",".join(load.OPERATIONS))
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    options = parser.parse_args()
    if options.only != "console":
        load.check_tools()
        pocketbase_binary()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"at": time.strftime("%FT%T"), "scale": options.scale, "load": load_average()}
    if options.only != "console":
        operations = tuple(options.operations.split(","))
        results["api"] = api(work, options.scale, options.seconds, options.runs, operations)
    if options.only != "api":
        results["console"] = console(work, max(int(options.rows * options.scale), 1000))
    with (work / "results.jsonl").open("a") as file:
        file.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
