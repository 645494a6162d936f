"""Strategies by name: the built-in ones, their ablations, and those of other packages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from whosame.errors import ParameterError, unknown_name
from whosame.parameters import parse
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
Parameters = Mapping[str, Any]
Builder = Callable[[Parameters], Strategy]


@dataclass(frozen=True)
class Preset:
    """How a name becomes a strategy: the parameter group it reads, and what it makes of it."""

    group: str | None
    build: Builder


def _ucal(**fixed: Any) -> Preset:
    return Preset("ucal", lambda values: UCAL(replace(parse(UCALConfig, values, "strategies.ucal"), **fixed)))


def _dcps(**fixed: Any) -> Preset:
    return Preset("dcps", lambda values: DCPS(replace(parse(DCPSConfig, values, "strategies.dcps"), **fixed)))


def _gain(**fixed: Any) -> Preset:
    return Preset("gain", lambda values: Gain(replace(parse(GainConfig, values, "strategies.gain"), **fixed)))


PRESETS: dict[str, Preset] = {
    "none": Preset(None, lambda _: NoQuestions()),
    "random": Preset("random", lambda values: RandomPairs(parse(RandomConfig, values, "strategies.random"))),
    "uncertainty": Preset(
        "uncertainty", lambda values: Uncertainty(parse(UncertaintyConfig, values, "strategies.uncertainty"))
    ),
    "spal": Preset("spal", lambda values: SPAL(parse(SPALConfig, values, "strategies.spal"))),
    "aas": Preset("aas", lambda values: AAS(parse(AASConfig, values, "strategies.aas"))),
    "dral": Preset("dral", lambda values: DRAL(parse(DRALConfig, values, "strategies.dral"))),
    "mass": Preset("mass", lambda values: MASS(parse(MASSConfig, values, "strategies.mass"))),
    "ucal": _ucal(),
    "ucal-snps": _ucal(snps_share=1.0),  # the ablations of UCAL, Table 2
    "ucal-mpps": _ucal(snps_share=0.0),
    "dcps": _dcps(),
    "dcps-no-intra": _dcps(intra_fraction=0.0),  # the ablations of DCPS, Table 3
    "dcps-no-inter": _dcps(intra_fraction=1.0),
    "dcps-no-diversity": _dcps(diversity=0.0),
    "gain": _gain(),
    "gain-labels": _gain(aim="labels"),
    "supervised": Preset(None, lambda _: Supervised()),
}


def names() -> list[str]:
    """Return the names of all strategies, those of other packages among them."""
    return sorted({*PRESETS, *_foreign()})


def group_of(name: str) -> str | None:
    """Return the parameter group that a strategy reads; None where it has none or is not known here."""
    return PRESETS[name].group if name in PRESETS else name if name in _foreign() else None


def make(name: str, parameters: Parameters | None = None) -> Strategy:
    """Build the strategy of a name.

    Parameters
    ----------
    name : str
        One of :func:`names`. A package adds one with an entry point of the group ``whosame.strategies`` that names
        a callable: it is given its parameter group (a mapping) and returns a :class:`Strategy`. The built-in names
        cannot be taken.
    parameters : mapping, optional
        Parameter groups by name, as in ``parameters_strategies.yml``; a group left out has its defaults.

    Raises
    ------
    ParameterError
        The name or a group is unknown (near ones are offered), a parameter is wrong, or the other package's
        strategy cannot be built.
    """
    parameters = parameters or {}
    foreign = _foreign()
    groups = {preset.group for preset in PRESETS.values() if preset.group} | foreign.keys()
    unknown = [str(unknown_name("group of 'strategies'", group, groups)) for group in parameters if group not in groups]
    if unknown:
        raise ParameterError("\n".join(unknown))
    if name in PRESETS:
        preset = PRESETS[name]
        return preset.build(parameters.get(preset.group, {}) if preset.group else {})
    if name in foreign:
        return _load(foreign[name], parameters.get(name, {}))
    raise unknown_name("strategy", name, names())


def _foreign() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in PRESETS}


def _load(point: EntryPoint, values: Parameters) -> Strategy:
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
