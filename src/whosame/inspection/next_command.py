"""The next command to type, as a shell takes it."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from whosame.inspection.findings import Findings
from whosame.inspection.verdict import Verdict
from whosame.parameters import merge
from whosame.runs import flatten, is_name

PHOTOS = "photos"  # the environment with pretrained weights


def next_command(findings: Findings, verdict: Verdict, env: str | None, typed: Mapping[str, Any]) -> str:
    """Return what to type after a look.

    Parameters
    ----------
    findings : Findings
    verdict : Verdict
    env : str, optional
        As it was typed for the look.
    typed : mapping
        The parameters that were typed, nested.
    """
    kept = {name: value for name, value in typed.items() if name != "look"}
    changes = [reason.parameters for reason in verdict.reasons if reason.parameters]
    if verdict.kind == "cannot be judged yet" and env is None and findings.config.features is None:
        own = ("layout", "network", "pixels")
        return kedro_command("look", PHOTOS, {name: value for name, value in typed.items() if name not in own})
    unclear = verdict.kind == "cannot be judged yet" and findings.config.features is None
    again = verdict.kind == "not worth asking" or unclear
    if verdict.kind == "not worth asking" and findings.network is not None:
        changes.append({"network": {"weights": "FILE"}})
    if again or any(reason.stops and not reason.parameters for reason in verdict.reasons):
        return kedro_command("look", env, merge(typed, *changes))
    return kedro_command("rounds", env, merge({"run": _name_for(findings)}, kept, *changes))


def kedro_command(command: str, env: str | None, parameters: Mapping[str, Any]) -> str:
    """Return a command line.

    Examples
    --------
    >>> kedro_command("rounds", "photos", {"images": "my crops", "pixels": {"height": None}})
    "kedro rounds --env=photos '--params=images=my crops,pixels.height=null'"
    """
    words = ["kedro", command, *([f"--env={env}"] if env else [])]
    typed = [f"{name}={_typed(value)}" for name, value in flatten(parameters).items()]
    if typed:
        words.append("--params=" + ",".join(typed))
    return shlex.join(words)


def _name_for(findings: Findings) -> str:
    """Return a name for the run: the folder's, as far as a run may have it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", findings.root.name).strip("-.")
    return name if is_name(name) else "mine"


def _typed(value: Any) -> str:
    """Return a value as ``--params`` takes it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_typed, value)) + "]"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f'"{text}"' if re.search(r",\s*[\w.-]+\s*=", text) and '"' not in text else text
