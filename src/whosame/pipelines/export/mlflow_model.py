"""Writing of the exported model for MLflow: with signature, requirements and code, logged and registered."""

import dataclasses
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import whosame
from whosame.app.config.run_parameters import configuration_of
from whosame.app.mlflow_log import log_run
from whosame.app.mlflow_server import attempt
from whosame.artefacts import MLFLOW_RUN, read_if_whole
from whosame.errors import StorageError
from whosame.export.config import ExportConfig
from whosame.export.summary import ExportSummary
from whosame.export.write import MODEL
from whosame.runs import Run
from whosame.search.gallery import Gallery

FOLDER = "mlflow_model"
PACKAGES = ("mlflow", "numpy", "pandas", "faiss-cpu", "pyarrow", "pillow", "onnxruntime")
SERVED = Path(__file__).with_name("served_model.py")


def register_model(run: Run, summary: ExportSummary, gallery: Gallery, config: ExportConfig) -> ExportSummary:
    """Write the model to the export's folder, log it with the run, and register it.

    A server that cannot be reached is a warning: the folder can be logged later.

    Raises
    ------
    StorageError
        The disk is full or cannot be written to.
    """
    folder = summary.folder / FOLDER
    try:
        _save(folder, summary.folder / MODEL, gallery)
    except OSError as error:
        raise StorageError(
            f"cannot write {folder}: {error}. Free some space, or take --params=export.mlflow=false"
        ) from error
    name = config.registered_as or f"whosame-{run.name}"
    made: list[str] = []
    if log_run(run, configuration_of(run)):
        attempt(lambda client: made.append(_register(client, run, folder, name)))
    return dataclasses.replace(
        summary, files=(*summary.files, folder / "MLmodel"), model=f"{name}, version {made[-1]}" if made else ""
    )


def _save(folder: Path, model: Path, gallery: Gallery) -> None:
    from mlflow.pyfunc import save_model

    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        code = Path(scratch) / "whosame"
        shutil.copytree(
            Path(whosame.__file__).parent, code, ignore=shutil.ignore_patterns("__pycache__", "pipelines", "static")
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an example of the input is missing: it would be an image of the run
            save_model(
                path=str(folder),
                python_model=str(SERVED),
                artifacts={"model": str(model)},
                code_paths=[str(code)],
                pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES if _installed(name)],
                signature=_signature(gallery),
                metadata={"run": gallery.run, "round": gallery.round, "whosame": gallery.code},
            )


def _installed(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False  # faiss of another build, from conda-forge
    return True


def _signature(gallery: Gallery) -> Any:
    """Return what the model takes and returns, as MLflow declares it."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Object, ParamSchema, ParamSpec, Property, Schema

    features = Array(DataType.double)
    taken = ColSpec(features, "features") if gallery.form.features else ColSpec(DataType.string, "image")
    nearest = Object(
        [
            Property("identity", DataType.string),
            Property("score", DataType.double),
            Property("path", DataType.string),
            Property("camera", DataType.long),
            Property("images", DataType.long),
        ]
    )
    returned = [
        ColSpec(DataType.string, "query"),
        ColSpec(DataType.boolean, "nobody_near"),
        ColSpec(features, "features"),
        ColSpec(Array(nearest), "nearest"),
    ]
    return ModelSignature(Schema([taken]), Schema(returned), ParamSchema([ParamSpec("top", DataType.long, 5)]))


def _register(client: Any, run: Run, folder: Path, name: str) -> str:
    """Copy the folder to the run's artefacts, and return the version that it is registered as."""
    from mlflow.exceptions import MlflowException

    run_id = dict(read_if_whole(run.folder / MLFLOW_RUN) or {})["run_id"]
    client.log_artifacts(run_id, str(folder), FOLDER)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/{FOLDER}"
    return str(client.create_model_version(name, source, run_id).version)
