"""Source of the images: the layout, the folder, and the parameters of each layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import PositiveFloat, ValidationInfo, field_validator, model_validator

from whosame.data.object_store import folder_name, is_url
from whosame.data.readers import READERS, FolderReader, Layout, OmniglotReader, Reader
from whosame.data.remote_images import fetched
from whosame.names import composed, existing
from whosame.parameters import Parameters, parameter
from whosame.synthetic.config import SyntheticConfig


def layout_of(parameters: Mapping[str, Any]) -> Any:
    """Return the layout of parameters as they are read: where none is named, ``folder`` with images, else synthetic."""
    named = parameters.get("layout")
    return named if named is not None else "folder" if parameters.get("images") else "synthetic"


class SourceConfig(Parameters):
    """Where the images of a run come from."""

    layout: Layout = parameter("synthetic", takes=f"{' | '.join(READERS)} | null")
    """How the images are named; docs/data.md describes each layout. null: folder with images, synthetic without."""
    images: str | None = parameter(
        None, validate_default=True, takes="the path or the URL of a folder, or null", results=False
    )
    """Folder of the images, or its URL in an object store: s3://, gs://, file://, …. null: layout synthetic, which
    renders its own. A run knows its images by their bytes."""
    max_megapixels: PositiveFloat = parameter(20.0, unit="megapixels", results=False)
    """A larger image is no person crop but a mistake."""
    unreadable: Literal["error", "skip"] = parameter("error", results=False)
    """Images that cannot be used (empty, damaged, too large …): an error, or left out, counted and listed in a file."""
    duplicates: Literal["error", "keep"] = "error"
    """The same file content under two people: an error, or kept and counted."""
    folder: FolderReader = FolderReader()
    """Layout folder: how paths are read."""
    omniglot: OmniglotReader = OmniglotReader()
    """Layout omniglot: which alphabets are used."""
    synthetic: SyntheticConfig = SyntheticConfig()
    """Layout synthetic: what is rendered."""

    @model_validator(mode="before")
    @classmethod
    def _layout_is_named(cls, values: Any) -> Any:
        return {**values, "layout": layout_of(values)} if isinstance(values, Mapping) else values

    @field_validator("images")
    @classmethod
    def _as_the_layout_needs(cls, images: str | None, info: ValidationInfo) -> str | None:
        layout = info.data.get("layout")
        if layout == "synthetic" and images is not None:
            known = ", ".join(sorted(set(READERS) - {"synthetic"}))
            raise ValueError(f"layout=synthetic renders its own images: to read a folder take layout=… one of {known}")
        if layout not in (None, "synthetic") and not images:
            raise ValueError(f"layout={layout} needs the folder of the images: images=PATH")
        return images

    @property
    def reader(self) -> Reader:
        """The layout's reader, with this configuration's parameters where it has any."""
        configured: dict[str, Reader] = {"folder": self.folder, "omniglot": self.omniglot}
        return configured.get(self.layout, READERS[self.layout])

    @property
    def dataset(self) -> str:
        """Name of the data set: the layout; for ``folder`` the folder's own name.

        Rendered data sets are named by their size, ``synthetic-demo``, and by a digest of the configuration where that
        was changed: ``synthetic-demo-1f2e3d``.
        """
        if self.layout == "folder":
            images = self.images or ""
            return composed(folder_name(images) if is_url(images) else Path(images).expanduser().resolve().name)
        if self.layout != "synthetic":
            return self.layout
        name, drawn = f"synthetic-{self.synthetic.size}", self.synthetic
        return name if drawn == SyntheticConfig(size=drawn.size) else f"{name}-{drawn.fingerprint[:6]}"

    def folder_of_images(self, cache: Path) -> Path:
        """Return the folder of the images, fetching or rendering them first where they are not on this machine.

        Parameters
        ----------
        cache : Path
            The project's data folder; images that are fetched or rendered are in its ``01_raw``.
        """
        if self.images is not None and is_url(self.images):
            return fetched(self.images, cache)
        if self.images is not None:
            return existing(Path(self.images).expanduser()).resolve()
        from whosame.synthetic import render_dataset  # the renderer is not needed to read a folder

        folder = cache.resolve() / "01_raw" / f"synthetic_{self.synthetic.fingerprint[:12]}"
        render_dataset(self.synthetic, folder)
        return folder
