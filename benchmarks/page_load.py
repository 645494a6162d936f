"""Load test of the annotation page: fifty simulated people over HTTP; answers per second, latency, consistency.

    python benchmarks/page_load.py                        # SQLite, 60 s
    python benchmarks/page_load.py --database=postgresql://USER@HOST/EMPTY_DATABASE

The page is a process of its own, and so are the people: this file run with ``--play``. Each person logs in and answers
the first pair of each response after ``--pause`` seconds: 0.15 by default, 2,6 is a human pace. With fewer than 200
answers per second (80 % of what the people can give, where that is less), a 99th percentile above 250 ms, any error or
any mistake the benchmark ends with status 1; ``--no-bounds`` only prints.
"""

import argparse
import asyncio
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np

from whosame.annotation.accounts.users import add_user
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.store import LabelStore, open_store

RATE = 200.0  # answers a second, at least
P99 = 250.0  # ms, at most
FORM = "application/x-www-form-urlencoded"


class Wire:
    """A browser's connection: requests in order, cookies kept. Cheap, so that the clients cost less than the server."""

    def __init__(self, url: str) -> None:
        self.where = urlsplit(url)
        self.cookie = ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, form: dict[str, object] | None = None) -> tuple[int, bytes]:
        """Send a request, and return the status and the body; where an idle connection was closed, on a new one."""
        idle = self._streams is not None
        try:
            return await self._send(method, path, form)
        except (OSError, EOFError):
            if not idle:
                raise
            return await self._send(method, path, form)

    async def _send(self, method: str, path: str, form: dict[str, object] | None) -> tuple[int, bytes]:
        body = urlencode(form or {})
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.where.netloc}", "Accept: application/json"]
        lines += [f"Cookie: {self.cookie}"] if self.cookie else []
        if method == "POST":
            lines += [f"Origin: http://{self.where.netloc}", f"Content-Type: {FORM}", f"Content-Length: {len(body)}"]
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.where.hostname, self.where.port)
        reader, writer = self._streams
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"(?i)content-length: (\d+)", head)
            content = await reader.readexactly(int(length[1])) if length else b""
        except (OSError, EOFError):
            self.close()
            raise
        if cookie := re.search(r"(?i)set-cookie: ([^;]+)", head):
            self.cookie = cookie[1]
        return int(head.split(" ", 2)[1]), content

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class Person:
    """A simulated person: the answers confirmed as saved, the time of each, errors."""

    def __init__(self, url: str, token: str, name: str) -> None:
        self.url, self.token, self.name = url, token, name
        self.saved: list[tuple[str, str]] = []  # lease and verdict
        self.seconds: list[float] = []
        self.wrong: Counter[str] = Counter()
        self._draw = np.random.default_rng(sum(name.encode()))
        self._answer: dict[str, object] | None = None  # sent, and not known to be saved

    async def play(self, until: float, pause: tuple[float, float]) -> None:
        """Answer until then. A lost connection is opened again, and the same answer sent again."""
        wire = Wire(self.url)
        csrf = ""
        while time.monotonic() < until:
            try:
                if not csrf:
                    csrf = await self._log_in(wire)
                    pairs = await self._look(wire)
                if self._answer is None and not pairs:
                    await asyncio.sleep(0.2)
                    pairs = await self._look(wire)
                elif self._answer is None:
                    verdict = self._draw.choice(["same", "different", "unsure"])
                    self._answer = {"token": pairs[0]["token"], "verdict": verdict, "seconds": 1.5}
                if self._answer is not None:
                    await asyncio.sleep(self._draw.uniform(*pause))
                    pairs = await self._send(wire, csrf)
            except (OSError, EOFError) as error:
                wire.close()
                self.wrong[type(error).__name__] += 1
                await asyncio.sleep(0.1)
        wire.close()

    async def _log_in(self, wire: Wire) -> str:
        await wire.send("POST", "/login", {"token": self.token})
        _, page = await wire.send("GET", "/")
        return re.search(rb'data-csrf="(\w+)"', page)[1].decode()

    async def _look(self, wire: Wire) -> list[dict[str, str]]:
        status, body = await wire.send("GET", "/pairs")
        if status != 200:
            self.wrong[f"GET {status}"] += 1
            return []
        return json.loads(body)["pairs"]

    async def _send(self, wire: Wire, csrf: str) -> list[dict[str, str]]:
        began = time.perf_counter()
        status, body = await wire.send("POST", "/answer", {**self._answer, "csrf": csrf})
        self.seconds.append(time.perf_counter() - began)
        if status == 200:
            self.saved.append((self._answer["token"], self._answer["verdict"]))
        else:
            self.wrong[str(status)] += 1
        if status == 503:  # as the page's script does: keep the answer and send it again
            await asyncio.sleep(0.2)
            return []
        self._answer = None
        return json.loads(body)["pairs"] if status in (200, 409) else await self._look(wire)


async def _all_play(people: list[Person], seconds: float, pause: tuple[float, float]) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(*(person.play(until, pause) for person in people))


def play(given: argparse.Namespace) -> None:
    """Play the people: read names and tokens from standard input, and print their results."""
    people = [Person(given.play, token, name) for name, token in json.load(sys.stdin)]
    pause = seconds_or_range(given.pause)
    try:
        import uvloop

        uvloop.run(_all_play(people, given.seconds, pause))
    except ModuleNotFoundError:
        asyncio.run(_all_play(people, given.seconds, pause))
    told = [{name: vars(person)[name] for name in ("name", "saved", "seconds", "wrong")} for person in people]
    os.set_blocking(sys.stdout.fileno(), True)  # the event loop may have changed it: what fills the pipe would be lost
    print(json.dumps(told))


def begin(store: LabelStore, *, pairs: int, overlap: int, people: int) -> list[tuple[str, str]]:
    """Ask about pairs, add people; return their names and login tokens."""
    images = {image: ImageRef(f"{image}.png", f"{image:032x}") for image in range(2 * pairs)}
    about = RunInfo("load", "load", tempfile.gettempdir(), 0, 1, 0, pairs, pairs, overlap)
    queue = TaskQueue(store, about, images)
    queue.begin()
    queue.ask([PairTask(2 * k, 2 * k + 1, "between") for k in range(pairs)])
    return [(f"person{k}", add_user(store, f"person{k}")) for k in range(people)]


def serve(database: str, port: int = 0) -> tuple[subprocess.Popen, str]:
    """Start the page as a process of its own; return it, and its address once it listens."""
    command = [sys.executable, "-m", "whosame.annotation.web", f"--database={database}", f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split("login#")[0]


def stop(process: subprocess.Popen) -> None:
    """Kill a process, as a power cut would."""
    with process:
        process.kill()


def start_people(url: str, people: list[tuple[str, str]], seconds: float, pause: str = "0") -> subprocess.Popen:
    """Start the people in a process of their own; :func:`what_happened` waits for its end."""
    options = [f"--play={url}", f"--seconds={seconds}", f"--pause={pause}"]
    process = subprocess.Popen(
        [sys.executable, __file__, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdin.write(json.dumps(people))
    process.stdin.close()
    return process


def what_happened(process: subprocess.Popen) -> list[dict]:
    """Return the results of each person."""
    with process:
        output = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the people ended with {process.returncode}")
    return json.loads(output)


def seconds_of_cpu(process: subprocess.Popen) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mistakes(store: LabelStore, results: list[dict], overlap: int) -> list[str]:
    """Return inconsistencies: saved answers that are missing or stored twice, and pairs answered too often."""
    kept = store.answers("load")
    by_lease = Counter(event.lease for event in kept)
    verdicts = {event.lease: (event.annotator, event.verdict) for event in kept}
    found = [f"{lease}: kept {n} times" for lease, n in by_lease.items() if n > 1]
    for person in results:
        for lease, verdict in person["saved"]:
            if verdicts.get(lease) != (person["name"], verdict):
                found.append(f"{person['name']} got {verdict} confirmed as saved; stored is {verdicts.get(lease)}")
    by_person = Counter((event.image_a, event.annotator) for event in kept)
    found += [f"pair {image}: {n} answers of {name}" for (image, name), n in by_person.items() if n > 1]
    # Where the verdicts tie, one more is needed, and decides.
    often = Counter(event.image_a for event in kept)
    most = overlap if overlap == 1 else overlap + 1
    return found + [f"pair {image}: {n} answers" for image, n in often.items() if n > most]


def missed(rate: float, p99: float, errors: int, wrong: int, *, possible: float = math.inf) -> list[str]:
    """Return the bounds that were missed; ``possible``: answers per second that the people can give at their pace."""
    least = min(RATE, 0.8 * possible)
    bounds = (
        (rate >= least, f"{rate:.0f} answers a second, not {least:.0f} or more"),
        (p99 <= P99, f"the 99th percentile is {p99:.0f} ms, not {P99:.0f} or less"),
        (errors == 0, f"errors: {errors}"),
        (wrong == 0, f"mistakes: {wrong}"),
    )
    return [message for kept, message in bounds if not kept]


def seconds_or_range(text: str) -> tuple[float, float]:
    """Return the bounds of a pause: ``0.15``, or ``2,6``."""
    low, _, high = text.partition(",")
    return float(low), float(high or low)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="an empty one; by default a new SQLite file")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--pause", default="0.15", help="seconds that a person thinks: a number, or a range as in 2,6")
    parser.add_argument("--overlap", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--stored", type=int, default=0, help="answers of other runs in the store before, as 1000000")
    parser.add_argument("--no-bounds", action="store_true", help="only print, whatever the figures")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        play(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        database = given.database or f"sqlite:///{folder}/labels.db"
        with open_store(database) as store:
            if given.stored:
                import store_at_scale  # beside this file

                store_at_scale.fill(store, given.stored)
            people = begin(store, pairs=given.pairs, overlap=given.overlap, people=given.people)
            server, url = serve(database)
            try:
                players = start_people(url, people, given.seconds, given.pause)
                began, before = time.perf_counter(), seconds_of_cpu(server)
                results = what_happened(players)
                took, used = time.perf_counter() - began, seconds_of_cpu(server) - before
            finally:
                stop(server)
            seconds = np.array([one for person in results for one in person["seconds"]]) * 1000
            wrong = sum((Counter(person["wrong"]) for person in results), Counter())
            answers = sum(len(person["saved"]) for person in results)
            amiss = mistakes(store, results, given.overlap)
            median, most = np.percentile(seconds, [50, 99])
            print("| people | answers/s | median ms | p99 ms | server's CPU ms an answer | errors | mistakes |")
            print("|---|---|---|---|---|---|---|")
            print(
                f"| {given.people} | {answers / took:.0f} | {median:.0f} | {most:.0f} | {1000 * used / answers:.1f} "
                f"| {dict(wrong) or 'none'} | {len(amiss) or 'none'} |"
            )
    possible = given.people / max(sum(seconds_or_range(given.pause)) / 2, 1e-9)
    found = missed(answers / took, most, wrong.total(), len(amiss), possible=possible)
    if found and not given.no_bounds:
        sys.exit("missed: " + "; ".join(found))


if __name__ == "__main__":
    main()
