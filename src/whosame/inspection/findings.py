"""What a look at a folder found: the content of the report in the terminal and of the page."""

from dataclasses import dataclass, field
from pathlib import Path

from whosame.configuration import Configuration
from whosame.inspection.candidates import CandidateEstimate
from whosame.inspection.disk import DiskUse
from whosame.inspection.folder_scan import FolderScan
from whosame.inspection.headers import Copies, Headers
from whosame.inspection.speed import Duration, Speed


@dataclass(frozen=True)
class RunReading:
    """What a run reads from the folder.

    Attributes
    ----------
    splits : dict of str to int
        Images of each split; empty where the folder is too large, or cannot be read as the layout says.
    cameras, identities : int
        Known ones.
    with_identity : int
        Images of a known identity.
    notes : list of str
        Oddities that are no errors.
    error : str
        What a run ends with; empty if it would not.
    """

    splits: dict[str, int] = field(default_factory=dict)
    cameras: int = 0
    identities: int = 0
    with_identity: int = 0
    notes: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def train_images(self) -> int:
        """Images for training."""
        return self.splits.get("train", 0)


@dataclass(frozen=True)
class NetworkFindings:
    """What the configured network makes of a sample.

    Attributes
    ----------
    size : (int, int)
        Height and width of what it sees, in pixels.
    speed, duration, disk : Speed, Duration, DiskUse
    candidates : CandidateEstimate or None
        None where the network is not pretrained: there is nothing to judge before it is trained.
    sampled : list of str
        The paths of the sample.
    """

    size: tuple[int, int]
    speed: Speed
    duration: Duration
    disk: DiskUse
    candidates: CandidateEstimate | None
    sampled: list[str]


@dataclass(frozen=True)
class Findings:
    """All that was found.

    Attributes
    ----------
    config : Configuration
        Of the run that was looked ahead to.
    scan, headers, copies, reading : FolderScan, Headers, Copies, RunReading
    damaged : dict of str to str
        Paths of files that cannot be used, among those that were looked at, with the reason.
    oversized : list of str
        Paths of files of more than ``max_megapixels``.
    network : NetworkFindings or None
        None where too few images can be used.
    seconds : float
        What the look took.
    """

    config: Configuration
    scan: FolderScan
    headers: Headers
    copies: Copies
    reading: RunReading
    damaged: dict[str, str]
    oversized: list[str]
    network: NetworkFindings | None
    seconds: float

    @property
    def root(self) -> Path:
        """The folder."""
        return self.scan.root
