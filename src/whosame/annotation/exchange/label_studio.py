"""Label Studio's JSON: a task a question, an annotation an answer, no annotation while the question is open.

References
----------
Label Studio, *Task format*, https://labelstud.io/guide/task_format
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from whosame.annotation.exchange.jsonl_format import parse_json
from whosame.annotation.exchange.row import MAX_SECONDS, AnswerRow, ParsedFile

CONFIG = """<View>
  <View style="display: flex; gap: 1em">
    <View style="flex: 50%"><Image name="a" value="$image_a" zoom="true" zoomControl="true"/></View>
    <View style="flex: 50%"><Image name="b" value="$image_b" zoom="true" zoomControl="true"/></View>
  </View>
  <Header value="The same individual?"/>
  <Choices name="verdict" toName="a" choice="single" showInLine="true" required="true">
    <Choice value="same" hotkey="s"/>
    <Choice value="different" hotkey="d"/>
    <Choice value="unsure" hotkey="u"/>
  </Choices>
</View>
"""
NO_MAIL = "@whosame.invalid"  # a domain that never exists; added to a name that is no e-mail address
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
QUESTION_FIELDS = ("path_a", "path_b", "digest_a", "digest_b", "attempt", "kind", "round")  # of a task, in its data
ANSWER_FIELDS = ("annotator", "verdict", "answered_at", "source", "settles")  # of an answer, in the meta of its result


@dataclass(frozen=True)
class Task:
    """A question for Label Studio: its ``data``, its answers, and the names of the people who skipped it."""

    data: Mapping[str, object]
    rows: tuple[AnswerRow, ...] = ()
    skipped_by: tuple[str, ...] = ()


def write(tasks: Iterable[Task], *, completed_by: bool = True) -> bytes:
    """Return tasks as Label Studio imports them.

    Parameters
    ----------
    tasks : iterable of Task
    completed_by : bool
        Whether to name people as Label Studio does, by e-mail address. It refuses people that it does not know, unless
        it was started with LABEL_STUDIO_ALLOW_IMPORT_TASKS_WITH_UNKNOWN_EMAILS=true.
    """
    made = [_task(task) for task in tasks]
    if not completed_by:
        for annotation in (given for task in made for given in task["annotations"]):
            del annotation["completed_by"]
    return json.dumps(made, indent=1, ensure_ascii=False).encode()


def is_task(text: str) -> bool:
    """Return whether text is one task as an object, not a list of tasks: JSON Lines has the columns of an answer."""
    try:
        task = parse_json(text)
    except ValueError:
        return False
    return isinstance(task, dict) and ("data" in task or "annotations" in task)


def parse(text: str, annotator: str | None = None) -> ParsedFile:
    """Return the rows of Label Studio's export (JSON, not JSON-MIN) or of a single task of it, and all its problems.

    Parameters
    ----------
    annotator : str, optional
        Name of a user whom the export gives by number alone; by default ``label-studio-user-<number>``.
    """
    parsed = ParsedFile()
    try:
        tasks = parse_json(text)
    except ValueError as error:
        parsed.problems.append(str(error))
        return parsed
    numbers: set[int] = set()
    for place, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
        where = f"task {task['id']}" if isinstance(task, dict) and isinstance(task.get("id"), int) else f"task {place}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            parsed.problems.append(f"{where}: has no 'data': export as JSON, not JSON-MIN")
            continue
        annotations = task.get("annotations") or []
        if not isinstance(annotations, list) or not all(isinstance(given, dict) for given in annotations):
            parsed.problems.append(f"{where}: its 'annotations' are no list of objects")
            continue
        question = {name: task["data"][name] for name in QUESTION_FIELDS if name in task["data"]}
        brought: list[object] = []
        for count, given in enumerate(annotations, start=1):
            if given.get("was_cancelled"):
                parsed.skipped += 1
                continue
            try:
                answer, number = _answer(given, annotator, brought)
            except ValueError as error:
                parsed.problems.append(f"{where}, annotation {count}: {error}")
                continue
            numbers |= set() if number is None else {number}
            parsed.add(f"{where}, annotation {count}", {**question, **answer})
    if annotator is not None and len(numbers) > 1:
        known = ", ".join(map(str, sorted(numbers)))
        parsed.problems.append(f"users {known} cannot all be {annotator!r}: leave out --annotator")
    return parsed


def _task(task: Task) -> dict[str, Any]:
    annotations = [
        {
            "completed_by": {"email": _mail(row.annotator)},
            "was_cancelled": False,
            "ground_truth": False,
            "lead_time": row.seconds,
            "result": [
                {
                    "id": f"answer-{number}",
                    "type": "choices",
                    "from_name": "verdict",
                    "to_name": "a",
                    "value": {"choices": [row.verdict]},
                    # Label Studio keeps this; it may have other users and times of its own.
                    "meta": {name: getattr(row, name) for name in ANSWER_FIELDS},
                }
            ],
        }
        for number, row in enumerate(task.rows, start=1)
    ]
    skipped = [
        {"completed_by": {"email": _mail(name)}, "was_cancelled": True, "ground_truth": False, "result": []}
        for name in task.skipped_by
    ]
    return {"data": dict(task.data), "annotations": annotations + skipped}


def _answer(
    annotation: Mapping[str, Any], annotator: str | None, brought: list[object]
) -> tuple[dict[str, object], int | None]:
    """Return the columns of an annotation, and its author's number where it has no other name.

    ``brought`` has the answers of this task that were found to come from here, and gets this one if it does.
    """
    results = annotation.get("result")
    choices = [
        item
        for item in (results if isinstance(results, list) else [])
        if isinstance(item, dict) and item.get("type") == "choices" and isinstance(item.get("value"), dict)
    ]
    chosen = choices[0]["value"].get("choices") if len(choices) == 1 else None
    if not isinstance(chosen, list) or len(chosen) != 1:
        raise ValueError("takes one choice, same, different or unsure: is it a draft, or of another labelling set-up?")
    seconds = annotation.get("lead_time")
    if isinstance(seconds, (int, float)):
        seconds = min(seconds, MAX_SECONDS)  # it also counts a page that was open for a month
    meta = choices[0].get("meta")
    if isinstance(meta, dict) and meta.get("verdict") == chosen[0] and _untouched(annotation, meta, brought):
        brought.append(meta)
        answer = {name: meta[name] for name in ANSWER_FIELDS if name in meta}
        return {**answer, "verdict": chosen[0], "seconds": seconds}, None
    author = annotation.get("updated_by") if isinstance(meta, dict) else None  # the person who changed it last
    name, number = _author(author or annotation.get("completed_by"), annotator)
    when = annotation.get("updated_at") or annotation.get("created_at")
    return {"verdict": chosen[0], "seconds": seconds, "annotator": name, "answered_at": when}, number


def _untouched(annotation: Mapping[str, Any], meta: Mapping[str, Any], brought: list[object]) -> bool:
    """Return whether an annotation is an answer from here as it was imported, not one that a person submitted there.

    Label Studio names who submits or updates an annotation, and the annotation it is a copy of. What it imports has
    neither, and is said to be completed by the person who imports it, unless it knows the e-mail address.
    """
    by = annotation.get("completed_by")
    mail = by.get("email") if isinstance(by, dict) and "id" not in by else by  # with an id it is the importer's
    another = isinstance(mail, str) and mail not in (meta.get("annotator"), _mail(str(meta.get("annotator", ""))))
    submitted = annotation.get("updated_by") or annotation.get("parent_annotation")
    return not (submitted or another or meta in brought)


def _author(given: object, annotator: str | None) -> tuple[object, int | None]:
    if isinstance(given, dict):
        given = given.get("email") or given.get("id")
    if isinstance(given, str):
        return unquote(given.removesuffix(NO_MAIL)) if given.endswith(NO_MAIL) else given, None
    if isinstance(given, int) and not isinstance(given, bool):
        return annotator or f"label-studio-user-{given}", given
    return None, None


def _mail(name: str) -> str:
    return name if MAIL.fullmatch(name) and not name.endswith(NO_MAIL) else quote(name, safe="") + NO_MAIL
