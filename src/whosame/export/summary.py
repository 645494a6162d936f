"""Summary of an export, for the terminal and for ``export.json``."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportSummary:
    """What was written.

    Attributes
    ----------
    folder : Path
    files : tuple of Path
        In the order of the documentation.
    folders : int
        Of identities; 0 where none were wanted.
    threshold : str
        What is known of the threshold of a search, in words.
    model : str
        The registered model and its version; empty where none is.
    """

    folder: Path
    files: tuple[Path, ...]
    folders: int
    threshold: str
    model: str = ""

    def text(self) -> str:
        """Return the summary in lines."""
        sizes = {path: path.stat().st_size for path in self.files}
        width = max(len(str(path.relative_to(self.folder))) for path in self.files)
        lines = [f"export: {self.folder}"]
        lines += [f"  {path.relative_to(self.folder)!s:<{width}}  {size / 1e6:8.2f} MB" for path, size in sizes.items()]
        if self.folders:
            lines.append(f"  identities/: {self.folders:,} folders")
        lines.append(f"search: {self.threshold}")
        if self.model:
            lines.append(f"registered in MLflow: {self.model}")
        return "\n".join(lines)
