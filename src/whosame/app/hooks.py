"""Kedro hooks of the rounds: they check parameters first, show progress, log figures and prune old files.

Kedro makes them before every command, ``kedro runs`` too: what is heavy is imported when a pipeline runs.
"""

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl

from whosame import artefacts
from whosame.app import paths
from whosame.errors import ResumeError, WhosameError
from whosame.runs import Run

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.io import CatalogProtocol
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    from whosame.app.progress_bar import RoundBar
    from whosame.configuration import Configuration


class RoundHooks:
    """Checks before a round, its progress, and its log afterwards."""

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._playing: _Playing | None = None

    @cached_property
    def _bar(self) -> "RoundBar":
        from whosame.app.progress_bar import RoundBar

        return RoundBar()

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Keep the context: parameters are read when a round begins."""
        self._context = context

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: "Pipeline", catalog: "CatalogProtocol") -> None:
        """Check selection, parameters and machine, take the run's lock, announce the round."""
        from whosame.app.config.run_parameters import check_unchanged
        from whosame.app.machine_checks import check_machine
        from whosame.app.name_images import check_trained
        from whosame.app.selection import check_inputs
        from whosame.configuration import Configuration
        from whosame.export.packages import check_packages
        from whosame.parameters import parse

        self._playing = None
        check_inputs(pipeline, catalog, run_params)
        if self._context is None or "prepare" not in {node.namespace for node in pipeline.nodes}:
            return
        configuration = parse(Configuration, self._context.params)
        if "identities" in {node.namespace for node in pipeline.nodes}:
            check_trained(Run.named(paths.runs_folder(), configuration.run))
        if "export" in {node.namespace for node in pipeline.nodes} and configuration.export.onnx:
            check_packages()
        if "prepare.open_round" not in {node.name for node in pipeline.nodes}:
            return
        run = Run.named(paths.runs_folder(), configuration.run)
        lock = run.lock()  # first: until it is taken another process may complete a round
        try:
            if run.started() and run.about():
                check_unchanged(run, configuration, raising=True)
            number = _next_round(run, configuration)
            check_machine([configuration])
        except WhosameError:
            lock.close()
            raise
        self._playing = _Playing(run, number, configuration, lock)
        self._bar.begin(run.name, number, configuration.rounds, len(pipeline.nodes))

    @hook_impl
    def before_node_run(self, node: "Node") -> None:
        """Show which node runs."""
        if self._playing is not None:
            self._bar.begin_node(node.name)
            self._playing.node_begun = time.perf_counter()

    @hook_impl
    def after_node_run(self, node: "Node") -> None:
        """Note how long the node took."""
        if self._playing is not None:
            self._bar.end_node()
            self._playing.node_seconds[node.name] = time.perf_counter() - self._playing.node_begun

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Note the time, log the round, prune what is old."""
        from whosame.app.mlflow_log import log_run
        from whosame.app.run_copy import send_run

        playing, self._playing = self._playing, None
        if playing is None:
            return
        with playing.lock:
            if playing.run.completed() == playing.number:  # only a part of the pipeline was run
                self._bar.close()
                return
            metrics = playing.run.metrics()[playing.number]
            asked_people = playing.configuration.people_answer
            seconds = self._bar.end(metrics, playing.configuration.budget, playing.node_seconds, people=asked_people)
            timing = {"seconds": seconds, "nodes": playing.node_seconds}
            artefacts.write(playing.run.round(playing.number) / artefacts.TIMING, timing)
            log_run(playing.run, playing.configuration)
            if playing.configuration.storage.keep_every > 1:
                playing.run.prune(playing.configuration.storage.keep_every)
            if playing.configuration.storage.url is not None:
                send_run(playing.run, playing.configuration.storage.url)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Give the lock back; finished artefacts stay for the next attempt."""
        playing, self._playing = self._playing, None
        self._bar.close()
        if playing is not None:
            playing.lock.close()


@dataclass
class _Playing:
    """The round that runs now."""

    run: Run
    number: int
    configuration: "Configuration"
    lock: IO[str]
    node_begun: float = 0.0
    node_seconds: dict[str, float] = field(default_factory=dict)


def _next_round(run: Run, configuration: "Configuration") -> int:
    from whosame.reporting.run_text import completion

    number = run.completed()
    if number >= configuration.rounds:
        raise ResumeError(completion(run, configuration))
    if configuration.round != number:
        raise ResumeError(
            f"round {configuration.round} of run {run.name!r} was asked for, and {number} is the next one: "
            "type the command again, without round"
        )
    return number
