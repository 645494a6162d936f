"""Source of the images: the layout, the folder, and the parameters of each layout."""

from dataclasses import dataclass, field
from pathlib import Path

from whosame.data.readers import READERS, FolderReader, OmniglotReader, Reader, check_layout
from whosame.errors import ParameterError, unknown_name
from whosame.synthetic.config import SyntheticConfig


@dataclass(frozen=True)
class SourceConfig:
    """The images of a run."""

    layout: str = "synthetic"  # market1501 | dukemtmc | msmt17 | omniglot | folder | synthetic
    images: str | None = None  # folder of the images; null for synthetic, which draws its own
    max_megapixels: float = 20.0  # a larger picture is no person crop but a mistake, above 0
    duplicates: str = "error"  # the same bytes under two persons: "error", or "keep" (counted)
    folder: FolderReader = field(default_factory=FolderReader)  # for layout folder
    omniglot: OmniglotReader = field(default_factory=OmniglotReader)  # for layout omniglot
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)  # for layout synthetic

    def __post_init__(self) -> None:
        """Check that the layout exists and has what it needs."""
        check_layout(self.layout)
        if self.layout == "synthetic" and self.images is not None:
            known = ", ".join(sorted(set(READERS) - {"synthetic"}))
            raise ParameterError(f"images={self.images} needs a layout that reads images: layout=… one of {known}")
        if self.layout != "synthetic" and not self.images:
            raise ParameterError(f"layout={self.layout} needs the folder of the images: images=PATH")
        if not self.max_megapixels > 0:
            raise ParameterError(f"max_megapixels is {self.max_megapixels}, but takes a number above 0")
        if self.duplicates not in ("error", "keep"):
            raise unknown_name("value of duplicates", self.duplicates, ("error", "keep"))

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
            return Path(self.images or "").expanduser().resolve().name
        if self.layout != "synthetic":
            return self.layout
        name, drawn = f"synthetic-{self.synthetic.size}", self.synthetic
        return name if drawn == SyntheticConfig(size=drawn.size) else f"{name}-{drawn.fingerprint[:6]}"

    def folder_of_images(self, cache: Path) -> Path:
        """Return the folder of the images, rendering them first where the layout is ``synthetic``.

        Parameters
        ----------
        cache : Path
            The project's data folder; rendered images are in its ``01_raw``.
        """
        if self.images is not None:
            return Path(self.images).expanduser().resolve()
        from whosame.synthetic import render_dataset  # the renderer is not needed to read a folder

        folder = cache.resolve() / "01_raw" / f"synthetic_{self.synthetic.fingerprint[:12]}"
        render_dataset(self.synthetic, folder)
        return folder
