"""Strategies by name: the built-in ones, their ablations, and those of other packages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from whosame.errors import ParameterError, unknown_name
from whosame.parameters import Parameters, parse
from whosame.strategies.aas.aas import AAS, AASConfig
from whosame.strategies.base import Strategy
from whosame.strategies.baselines import NoQuestions, RandomConfig, RandomPairs, Supervised
from whosame.strategies.dcps.dcps import DCPS, DCPSConfig
from whosame.strategies.dral.dral import DRAL, DRALConfig
from whosame.strategies.gain.gain import Gain, GainConfig
from whosame.strategies.mass.mass import MASS, MASSConfig
from whosame.strategies.spal.spal import SPAL, SPALConfig
from whosame.strategies.ucal.ucal import UCAL, UCALConfig
from whosame.strategies.uncertainty import Uncertainty, UncertaintyConfig

ENTRY_POINTS = "whosame.strategies"


class StrategiesConfig(Parameters):
    """The parameters of each strategy, by group. A strategy of another package has a group of its name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)  # checked by the strategy itself

    random: RandomConfig = RandomConfig()
    """The baseline random."""
    uncertainty: UncertaintyConfig = UncertaintyConfig()
    """The baseline uncertainty."""
    spal: SPALConfig = SPALConfig()
    """SPAL."""
    aas: AASConfig = AASConfig()
    """AAS, which is known from its abstract and reproductions by others only."""
    dral: DRALConfig = DRALConfig()
    """DRAL."""
    mass: MASSConfig = MASSConfig()
    """The MASS-like strategy."""
    ucal: UCALConfig = UCALConfig()
    """UCAL, ucal-snps and ucal-mpps."""
    dcps: DCPSConfig = DCPSConfig()
    """DCPS, dcps-no-intra, dcps-no-inter and dcps-no-diversity."""
    gain: GainConfig = GainConfig()
    """gain, and gain-labels, which is aim labels."""

    @model_validator(mode="after")
    def _known_groups(self) -> Self:
        if self.__pydantic_extra__:
            known = {*type(self).model_fields, *_plugins()}
            unknown = [str(unknown_name("group", name, known)) for name in self.__pydantic_extra__ if name not in known]
            if unknown:
                raise ValueError("\n".join(unknown))
        return self


@dataclass(frozen=True)
class Preset:
    """A named strategy: the group of parameters that it reads, and how it is built from them."""

    group: str | None
    build: Callable[[Any], Strategy]


def _preset(build: Callable[[Any], Strategy], group: str, **fixed: Any) -> Preset:
    return Preset(group, lambda config: build(config.replace(**fixed)))


PRESETS: dict[str, Preset] = {
    "none": Preset(None, lambda _: NoQuestions()),
    "random": _preset(RandomPairs, "random"),
    "uncertainty": _preset(Uncertainty, "uncertainty"),
    "spal": _preset(SPAL, "spal"),
    "aas": _preset(AAS, "aas"),
    "dral": _preset(DRAL, "dral"),
    "mass": _preset(MASS, "mass"),
    "ucal": _preset(UCAL, "ucal"),
    "ucal-snps": _preset(UCAL, "ucal", snps_share=1.0),  # the ablations of UCAL, Table 2
    "ucal-mpps": _preset(UCAL, "ucal", snps_share=0.0),
    "dcps": _preset(DCPS, "dcps"),
    "dcps-no-intra": _preset(DCPS, "dcps", intra_fraction=0.0),  # the ablations of DCPS, Table 3
    "dcps-no-inter": _preset(DCPS, "dcps", intra_fraction=1.0),
    "dcps-no-diversity": _preset(DCPS, "dcps", diversity=0.0),
    "gain": _preset(Gain, "gain"),
    "gain-labels": _preset(Gain, "gain", aim="labels"),
    "supervised": Preset(None, lambda _: Supervised()),
}


def names() -> list[str]:
    """Return the names of all strategies, those of other packages among them."""
    return sorted({*PRESETS, *_plugins()})


def group_of(name: str) -> str | None:
    """Return the parameter group that a strategy reads; None where it has none or is not known here."""
    return PRESETS[name].group if name in PRESETS else name if name in _plugins() else None


def make(name: str, parameters: Mapping[str, Any] | StrategiesConfig | None = None) -> Strategy:
    """Build the strategy of a name.

    Parameters
    ----------
    name : str
        One of :func:`names`. A package adds one with an entry point of the group ``whosame.strategies`` that names
        a callable: it is given its group of parameters (a mapping) and returns a :class:`Strategy`. The built-in names
        cannot be taken.
    parameters : mapping or StrategiesConfig, optional
        Groups of parameters by name; what is left out has its default.

    Raises
    ------
    ParameterError
        The name or a group is unknown (near ones are offered), a parameter is wrong, or the other package's
        strategy cannot be built.
    """
    groups = parse(StrategiesConfig, dict(parameters or {}), "strategies")
    if name in PRESETS:
        preset = PRESETS[name]
        return preset.build(getattr(groups, preset.group) if preset.group else None)
    plugins = _plugins()
    if name in plugins:
        return _load(plugins[name], groups.__pydantic_extra__.get(name, {}))
    raise unknown_name("strategy", name, names())


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in PRESETS}


def _load(point: EntryPoint, values: Mapping[str, Any]) -> Strategy:
    try:
        strategy = point.load()(values)
    except ParameterError:
        raise
    except Exception as error:
        raise ParameterError(f"strategy {point.name!r} ({point.value}) cannot be built: {error}") from error
    if not isinstance(strategy, Strategy):
        raise ParameterError(
            f"strategy {point.name!r} ({point.value}) built a {type(strategy).__name__}: "
            "it takes a whosame.strategies.base.Strategy"
        )
    return strategy
