"""Which MLflow server or database is used: that of the environment, else that of ``mlflow.yml``."""

import os
from pathlib import Path

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from pydantic import ValidationError

from whosame.errors import ParameterError

VARIABLE = "MLFLOW_TRACKING_URI"
DEFAULT = "sqlite:///mlflow.db"


class MlflowHooks:
    """In place of kedro-mlflow's own hooks, which look for an experiment on the server when a command starts."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set MLflow up."""
        configure(context)


def configure(context: KedroContext) -> None:
    """Set MLflow up as ``mlflow.yml`` and the environment say, without connecting to it.

    Parameters
    ----------
    context : KedroContext
        It gets the attribute ``mlflow``, which ``kedro mlflow ui`` reads.

    Raises
    ------
    ParameterError
        ``mlflow.yml`` has an entry that kedro-mlflow does not know.
    """
    import mlflow  # seconds of a command's start
    from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig

    loader = context.config_loader
    loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    try:
        config = KedroMlflowConfig.model_validate(loader["mlflow"])
    except MissingConfigException:
        config = KedroMlflowConfig()
    except ValidationError as error:
        problems = "".join(f"\n  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ParameterError(f"mlflow.yml cannot be used:{problems}") from error
    config._export_credentials(context)  # noqa: SLF001  environment variables, no connection
    config._register_request_header_provider(context)  # noqa: SLF001
    typed = os.environ.get(VARIABLE)
    config.server.mlflow_tracking_uri = typed or _from(context.project_path, config.server.mlflow_tracking_uri)
    mlflow.set_tracking_uri(config.server.mlflow_tracking_uri)
    if config.server.mlflow_registry_uri:
        mlflow.set_registry_uri(config.server.mlflow_registry_uri)
    if not typed:
        os.environ.pop(VARIABLE, None)  # set by MLflow itself: the next project of this process has its own
    context.__setattr__("mlflow", config)


def _from(project: Path, uri: str | None) -> str:
    """Return the address in ``mlflow.yml``; its relative path begins at the project, not at the working directory."""
    uri = uri or DEFAULT
    if "://" not in uri and uri not in ("databricks", "databricks-uc"):
        return (project / uri).as_uri()
    path = uri.removeprefix("sqlite:///")
    if path in (uri, "", ":memory:") or path.startswith(("/", "file:")):
        return uri
    return f"sqlite:///{os.path.relpath(project / path)}"
