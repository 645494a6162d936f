"""Summary of what naming found and where it is written, for the terminal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whosame.naming.identify import GIVEN, KNOWN
from whosame.naming.identity_table import IdentityRow


@dataclass(frozen=True)
class NamingSummary:
    """What was found, and the files.

    Attributes
    ----------
    rows : sequence of IdentityRow
    scores : mapping of str to float
        ``ari`` and ``bcubed_f1`` over all images against the known identities, ``ari_of_others`` and
        ``bcubed_f1_of_others`` over those that a catalogue does not name; empty where no identities are known.
    table : Path
        The CSV file.
    pages : sequence of Path
        The contact sheets, in order.
    """

    rows: Sequence[IdentityRow]
    scores: dict[str, float]
    table: Path
    pages: Sequence[Path]

    def text(self) -> str:
        """Return the summary in lines."""
        counts = Counter(row.known for row in self.rows)
        identities = len({row.identity for row in self.rows if row.identity})
        changed = sum(bool(row.before) for row in self.rows)
        more = f" and {len(self.pages) - 1} more" if len(self.pages) > 1 else ""
        lines = [
            f"{len(self.rows):,} images, {identities:,} identities: "
            + ", ".join(f"{counts[known]:,} {known}" for known in KNOWN if counts[known] or known not in GIVEN),
            *([f"{changed:,} images had another identity before"] if changed else []),
            *(
                [f"ARI {self.scores['ari']:.3f}, BCubed F1 {self.scores['bcubed_f1']:.3f} against the known identities"]
                if self.scores
                else []
            ),
            *self._of_others(),
            f"table:          {self.table}",
            f"contact sheets: {self.pages[0]}{more}",
        ]
        return "\n".join(lines)

    def _of_others(self) -> list[str]:
        if "ari_of_others" not in self.scores:
            return []
        ari, f1 = self.scores["ari_of_others"], self.scores["bcubed_f1_of_others"]
        return [f"ARI {ari:.3f}, BCubed F1 {f1:.3f} of the images that the catalogue does not name"]
