"""Writing of an export: every file of the folder, and ``export.json`` last."""

import json
from pathlib import Path

from whosame.atomic import require_space, writing
from whosame.export.cards import CardFacts, data_card, model_card
from whosame.export.config import ExportConfig
from whosame.export.deployed import Deployed, export_program, onnx_bytes, program_bytes
from whosame.export.identity_folders import write_folders
from whosame.export.packages import check_packages
from whosame.export.summary import ExportSummary
from whosame.export.tables import fiftyone_csv, names_parquet, wildlife_csv
from whosame.naming.identity_table import write_identities
from whosame.naming.name_history import HISTORY
from whosame.naming.summary import NamingSummary
from whosame.search.gallery import Gallery
from whosame.search.searcher import NETWORK

ABOUT = "export.json"
MODEL = "model"  # a folder: network and gallery, what programs load


def write_export(
    folder: Path,
    gallery: Gallery,
    deployed: Deployed,
    names: NamingSummary,
    facts: CardFacts,
    config: ExportConfig,
) -> ExportSummary:
    """Write the files of an export.

    Parameters
    ----------
    folder : Path
        An earlier export in it is replaced, file by file. ``export.json`` is removed first and written last: an export
        that was interrupted has none.
    gallery : Gallery
    deployed : Deployed
    names : NamingSummary
    facts : CardFacts
    config : ExportConfig

    Raises
    ------
    ParameterError
        The packages for ONNX are missing.
    StorageError
        The disk is full or cannot be written to.
    """
    if config.onnx:
        check_packages()
    root, rows = Path(gallery.root), list(names.rows)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in deployed.state_dict().values())
    copies = sum((root / row.path).stat().st_size for row in rows if row.identity) if config.folders == "copies" else 0
    size = 4 * weights + 4 * gallery.vectors.nbytes + copies  # the network twice, and once more of all for MLflow
    require_space(folder, size, "the files of an export", "take --params=export.folders=none or export.mlflow=false")
    (folder / ABOUT).unlink(missing_ok=True)
    program = export_program(deployed, gallery.form.height, gallery.form.width)
    contents = {
        "names.csv": write_identities(rows),
        "names.parquet": names_parquet(rows),
        "wildlife.csv": wildlife_csv(gallery),
        "fiftyone.csv": fiftyone_csv(gallery),
        "model_card.md": model_card(facts).encode(),
        "data_card.md": data_card(facts).encode(),
        "network.pt2": program_bytes(program),
    }
    if (history := folder.parent / HISTORY).exists():
        contents[HISTORY] = history.read_bytes()
    if config.onnx:
        about = {"run": gallery.run, "round": str(gallery.round), "code": gallery.code}
        contents[f"{MODEL}/{NETWORK}"] = onnx_bytes(program, about)
    files = [_write(folder / name, content) for name, content in contents.items()]
    if config.onnx:
        files += gallery.save(folder / MODEL)
    folders = 0 if config.folders == "none" else write_folders(rows, root, folder / "identities", config.folders)
    written = {
        "run": gallery.run,
        "round": gallery.round,
        "code": gallery.code,
        "answers": gallery.answers,
        "files": [path.relative_to(folder).as_posix() for path in files],
    }
    files.append(_write(folder / ABOUT, json.dumps(written, indent=1).encode()))
    return ExportSummary(folder, tuple(files), folders, gallery.calibration.text())


def _write(path: Path, content: bytes) -> Path:
    with writing(path) as file:
        file.write(content)
    return path
