"""Parameters of a run that is continued: its own, whatever the files in ``conf`` say by now.

What is typed may change what no result depends on (:func:`whosame.parameters.without_effect`), and may raise ``budget``
and ``rounds``.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from whosame.app import paths
from whosame.artefacts import RUN
from whosame.configuration import Configuration
from whosame.data.object_store import is_url
from whosame.errors import ParameterError, ResumeError
from whosame.parameters import merge, parse
from whosame.runs import Run, flatten

RAISED = ("budget", "rounds")


class Images(Protocol):
    """A manifest, as far as a run is continued only with the same."""

    @property
    def digest(self) -> str:
        """Digest of its rows."""

    def __len__(self) -> int:
        """Return the number of images."""

    def first(self, count: int) -> "Images":
        """Return the first images alone."""


def continued(env: str | None, typed: Mapping[str, Any], *, origin: Run | None = None) -> tuple[str | None, Any]:
    """Return environment and parameters that a command about a run works with.

    Parameters
    ----------
    env : str, optional
        What is typed as ``--env``.
    typed : mapping
        What is typed as ``--params``, nested.
    origin : Run, optional
        The run that is forked, if one is.

    Returns
    -------
    env : str, optional
    parameters : dict
        The run's own with the typed ones over them, if ``typed`` names a run that has started, a fork or, with
        ``origin``, a run to be made; otherwise what was typed.

    Raises
    ------
    ResumeError
        The environment is not the run's, or a typed parameter changes its results.
    """
    run = Run.named(paths.runs_folder(), str(typed["run"])) if "run" in typed else None
    started = run is not None and run.started()
    if run is not None and started:
        name, about = run.name, run.about()
    elif origin is not None:
        name, about = origin.name, origin.about()
    else:
        about = run.fork() if run is not None else {}
        name = about.get("run", "")
    if "configuration" not in about:
        return env, dict(typed)
    own = about.get("environment", env)
    if env not in (None, own):
        as_started = f"with --env={own}" if own else "without --env"
        raise ResumeError(f"run {name!r} was started {as_started}, not with --env={env}: leave --env out")
    parameters = merge(_as_started(about), typed)
    if run is not None and started:
        configuration_of(run)
        check_unchanged(run, parse(Configuration, {**parameters, "env": own}), raising=True)
    return own, parameters


def configuration_of(run: Run) -> Configuration:
    """Return the parameters in force of a run that has ``run.json``.

    Raises
    ------
    ResumeError
        Another version of whosame wrote it, with other parameters, or it is gone.
    """
    about = run.about()
    if not about:
        raise record_gone(run)
    try:
        return parse(Configuration, {**_as_started(about), "run": run.name, "env": about.get("environment")})
    except ParameterError as error:
        raise ResumeError(
            f"run {run.name!r} was started by whosame {about.get('code', '')}, with parameters that this version does "
            f"not take:\n{error}\nContinue it with that version, or start another run (--params=run=NAME)."
        ) from error


def check_unchanged(run: Run, configuration: Configuration, *, raising: bool) -> bool:
    """Check that a run which has started would be continued as it was started.

    Parameters
    ----------
    run : Run
    configuration : Configuration
        The parameters to continue it with.
    raising : bool
        Whether ``budget`` and ``rounds`` may be higher.

    Returns
    -------
    bool
        Whether one of them is.

    Raises
    ------
    ResumeError
        A parameter that results depend on differs; all such are named, with both values.
    """
    before = flatten(configuration_of(run).result_parameters())
    now = flatten(configuration.result_parameters())
    changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    raised = {key for key in changed.intersection(RAISED) if raising and now[key] > before[key]}
    if wrong := sorted(changed - raised):
        lines = [f"  {key}: {before.get(key)!r} in the run, {now.get(key)!r} now" for key in wrong]
        if (env := run.about().get("environment", configuration.env)) != configuration.env:
            lines = [f"  --env: {env or 'none'} in the run, {configuration.env or 'none'} now", *lines]
        listed = "\n".join(lines)
        raise ResumeError(
            f"run {run.name!r} was started with other parameters:\n{listed}\nIt continues with its own: kedro rounds "
            f"--params=run={run.name}. Only what changes no result may differ, and budget and rounds may be raised. "
            f"Otherwise start another run (--params=run=NAME), or fork this one (--fork={run.name}:ROUND "
            "--params=run=NAME,…)."
        )
    return bool(raised)


def check_images(name: str, before: Mapping[str, Any], images: Images, *, growing: bool = False) -> bool:
    """Check that a run's images are those that it has.

    Parameters
    ----------
    name : str
        The run.
    before : mapping
        What ``run.json`` says of its images.
    images : Images
        Of this command.
    growing : bool
        Whether others may be behind them.

    Returns
    -------
    bool
        Whether others are.

    Raises
    ------
    ResumeError
        They have changed.
    """
    count = before["images"]
    if before["digest"] == images.digest:
        return False
    if not growing or len(images) <= count or images.first(count).digest != before["digest"]:
        raise ResumeError(
            f"the images of run {name!r} have changed since it was started: manifest {before['digest'][:12]} "
            f"({count} images) then, {images.digest[:12]} ({len(images)}) now. Restore the images, or start "
            "another run (--params=run=NAME)."
        )
    return True


def record_gone(run: Run) -> ResumeError:
    """Return the error of a run that has started and has no ``run.json``."""
    return ResumeError(
        f"{run.folder / RUN} is gone: restore it, or remove the run (kedro runs remove {run.name}); its answers stay "
        "in the label store"
    )


def _as_started(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters that ``run.json`` holds, nested."""
    configuration = about["configuration"]
    rendered = configuration["layout"] == "synthetic"
    typed, settings = None, about.get("settings", {})
    if not rendered:  # a path may have been relative as typed
        typed = settings.get("images") if is_url(settings.get("images") or "") else about["manifest"]["root"]
    return merge(configuration, settings, {"images": typed})
