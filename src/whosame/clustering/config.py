"""The parameters of clustering."""

from dataclasses import dataclass

from whosame.errors import ParameterError, unknown_name

BASES = ("dbscan", "spcl")


@dataclass(frozen=True)
class ClusteringConfig:
    """How training images are grouped at the start of a round (methods.md, Clusters)."""

    k1: int = 30  # nearest neighbours that count as near, the image itself included; >= 1; Zhong et al. 2017
    k2: int = 6  # nearest neighbours whose encodings are averaged, the image itself included; >= 1; Zhong et al. 2017
    eps: float = 0.6  # largest Jaccard distance between neighbours in a cluster; (0, 1); Cluster Contrast, 2021-11-19
    base: str = "dbscan"  # dbscan | spcl: without what DBSCAN at a tighter or looser eps says is unreliable
    eps_gap: float = 0.02  # spcl: how far the tighter and the looser eps are away, (0, eps), eps + gap < 1; SpCL
    min_samples: int = 4  # neighbours within eps, itself included, that make an image a core; >= 1; Cluster Contrast
    centre_cameras: bool = False  # subtract each camera's mean feature first; helps where cameras differ in colour
    reuse: bool = True  # apply all earlier answers to the fresh clusters; off is the ablation of methods.md A.4 #14

    def __post_init__(self) -> None:
        problems = [
            f"clustering.{name} is {value}, but must be at least 1"
            for name, value in (("k1", self.k1), ("k2", self.k2), ("min_samples", self.min_samples))
            if value < 1
        ]
        if not 0 < self.eps < 1:
            problems.append(f"clustering.eps is {self.eps}, but must lie between 0 and 1, both excluded")
        if self.base not in BASES:
            problems.append(str(unknown_name("clustering.base", self.base, BASES)))
        elif self.base == "spcl" and not 0 < self.eps_gap < min(self.eps, 1 - self.eps):
            problems.append(
                f"clustering.eps_gap is {self.eps_gap}, but with eps {self.eps} must lie between 0 and "
                f"{min(self.eps, 1 - self.eps):g}, both excluded"
            )
        if problems:
            raise ParameterError("\n".join(problems))
