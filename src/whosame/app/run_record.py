"""Record of a run: ``run.json``, written when a round is opened, and fixed when something was computed."""

import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from whosame import artefacts
from whosame.app import paths
from whosame.app.config.run_parameters import RAISED, Images, check_images, check_unchanged, record_gone
from whosame.artefacts import IMAGES, RUN
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest
from whosame.errors import ResumeError
from whosame.runs import Run
from whosame.strategies.base import Strategy
from whosame.strategies.budget import respread

logger = logging.getLogger(__name__)


def open_run(run: Run, configuration: Configuration, images: Images, about_images: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``run.json``, written anew unless the run has started.

    Parameters
    ----------
    run : Run
        Locked by this process.
    configuration : Configuration
        The parameters of this command.
    images : Images
        The images of this command.
    about_images : mapping
        What is written down about them: dataset, digest, images, root, splits.

    Returns
    -------
    dict
        uid, created, configuration (what results depend on), settings (what else it is continued with), environment,
        manifest, code; schedules, a list of ``{"from", "budget", "rounds"}``: what was in force from which round on;
        grown, a list of ``{"from", "images"}``: how many images from which round on, where some were added.

    Raises
    ------
    ResumeError
        The run was started with other parameters or images, or its ``run.json`` is gone.
    """
    if origin := run.fork().get("manifest"):
        check_images(run.name, origin, images, growing=True)
    if run.started():
        about = run.about()
        if not about:
            raise record_gone(run)
        if check_images(run.name, about["manifest"], images, growing=True):
            about |= _grown(run, about, about_images)
        if not check_unchanged(run, configuration, raising=True):
            return about
        number = _first_round_to_raise(run, configuration)
        raised = {"from": number, "budget": configuration.budget, "rounds": configuration.rounds}
        about |= {
            "configuration": configuration.result_parameters(),
            "schedules": [*(each for each in _schedules(about) if each["from"] < number), raised],
        }
    else:
        about = {
            "uid": secrets.token_hex(8),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "configuration": configuration.result_parameters(),
            "settings": configuration.other_parameters(),
            "environment": configuration.env,
            "schedules": [{"from": 0, "budget": configuration.budget, "rounds": configuration.rounds}],
            "manifest": dict(about_images),
            "code": paths.code_version(),
        }
    artefacts.write(run.folder / RUN, about)
    return run.about()


def known_images(run: Run) -> Manifest | None:
    """Return the images of a run in the order of their ids; None before anything is computed of them."""
    path = run.folder / IMAGES
    return Manifest.load(path) if path.exists() and (run.started() or run.fork()) else None


def keep_images(run: Run, images: Manifest) -> None:
    """Write the images of a run to its folder, unless they are there: before ``run.json`` speaks of new ones."""
    known = known_images(run)
    if known is None or len(known) < len(images):
        images.save(run.folder / IMAGES)


def _grown(run: Run, about: Mapping[str, Any], about_images: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes in ``run.json``, and write it, where images have been added."""
    before, number = about["manifest"], run.completed()
    added = about_images["images"] - before["images"]
    logger.info("%s new images join run %r from round %d on", f"{added:,}", run.name, number)
    changes = {
        "manifest": dict(about_images),
        "grown": [*about.get("grown", []), {"from": number, "images": about_images["images"]}],
    }
    artefacts.write(run.folder / RUN, {**about, **changes})
    return changes


def schedule_of(strategy: Strategy, about: Mapping[str, Any], number: int) -> list[int]:
    """Return how many questions each round may ask, as it stands in a round.

    Where budget or rounds were raised, the rounds before keep what they had, and the rest of the budget is spread over
    the others in the proportions of the strategy's own schedule. What was raised later is not seen: a round that is
    made again is the same.

    Parameters
    ----------
    strategy : Strategy
    about : mapping
        ``run.json``.
    number : int
        The round, from 0.
    """
    schedule: list[int] = []
    for each in _schedules(about):
        if each["from"] <= number:
            schedule = respread(schedule[: each["from"]], strategy.schedule(each["budget"], each["rounds"]))
    return schedule


def configuration_at(about: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return what the results of a round depend on, budget and rounds as they were when it was played."""
    then = [each for each in _schedules(about) if each["from"] <= number][-1]
    return {**about["configuration"], **{name: then[name] for name in RAISED}}


def _schedules(about: Mapping[str, Any]) -> list[dict[str, int]]:
    configuration = about["configuration"]
    return about.get("schedules") or [{"from": 0, "budget": configuration["budget"], "rounds": configuration["rounds"]}]


def _first_round_to_raise(run: Run, configuration: Configuration) -> int:
    """Return the first round that nothing has been computed of: what was raised counts from there on."""
    number = run.completed()
    number += run.computed(number)
    if number >= configuration.rounds:
        raise ResumeError(
            f"run {run.name!r} has no round left to ask in: raise rounds too, as in "
            f"--params=run={run.name},budget={configuration.budget},rounds={number + 1}"
        )
    return number
