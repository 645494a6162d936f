"""Kedro's configuration loader, with environments that extend another one, and the round that comes next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from kedro.config import OmegaConfigLoader

from whosame.app import paths
from whosame.app.config.parameter_files import check_parameter_files
from whosame.errors import ParameterError, unknown_name
from whosame.parameters import merge

YAML = (".yml", ".yaml")


class ConfigLoader(OmegaConfigLoader):  # type: ignore[misc]
    """Kedro's loader.

    Parameters may name an environment that they extend: ``extends: published``. It lies between ``base`` and their own,
    and may extend another one. Without ``--env``, those of a folder of images extend ``photos``, or with ``features``
    the environment ``features``. What they leave open is chosen (:mod:`~whosame.app.config.open_choices`).
    ``round: null`` becomes the number of the next round, ``env`` the environment. The catalog's resolvers
    ``round_folder``, ``previous_folder`` and ``earlier_folder`` return the folders of that round, of the one before,
    and of the one with which its network is compared.
    """

    _run_and_round: ClassVar[tuple[str, int]]  # of the catalog that is being read: a process has one set of resolvers

    def __init__(self, *given: Any, **options: Any) -> None:
        resolvers = {
            "round_folder": lambda: paths.round_folder(*ConfigLoader._run_and_round),
            "previous_folder": lambda: paths.previous_folder(*ConfigLoader._run_and_round),
            "earlier_folder": lambda: paths.earlier_folder(*ConfigLoader._run_and_round),
        }
        super().__init__(*given, custom_resolvers=resolvers, **options)
        self._check_environment(self.env)

    def __getitem__(self, key: str) -> Any:
        """Return the configuration of a key, such as ``parameters`` or ``catalog``."""
        if key == "catalog":
            parameters = self["parameters"]
            ConfigLoader._run_and_round = parameters["run"], parameters["round"]
        if key != "parameters":
            return super().__getitem__(key)
        if "env" in (self.runtime_params or {}):
            raise ParameterError(
                f"env is no parameter to be typed: --env={self.runtime_params['env']} names an environment"
            )
        # Here: they bring pandas and torch, for which most commands do not wait
        from whosame.app.config.open_choices import annotator_of
        from whosame.data.source import layout_of

        found = self._layered()
        found |= {"layout": layout_of(found)}
        found |= {"annotator": annotator_of(found)}
        number = paths.round_number(found["run"], found.get("round"))
        env = None if self.env == self.default_run_env else self.env
        return found | {"round": number, "env": env or None}

    def _layered(self) -> dict[str, Any]:
        """Return the parameters of base and of the environments, later ones over earlier ones, and of what is typed."""
        from whosame.app.config.open_choices import chosen_network

        own = self.env or self.default_run_env
        names = [name for name in dict.fromkeys([self.base_env, own]) if name and self._parameters(name) is not None]
        layers = [self._parameters(name) or {} for name in names]
        extended = layers[-1].pop("extends", None)
        if not extended and own == self.default_run_env:
            extended = _environment_for(merge(*layers))
        while extended:
            self._check_environment(extended)
            names.insert(1, extended)
            layers.insert(1, self._parameters(extended) or {})
            extended = layers[1].pop("extends", None)
            if extended in names:
                raise ParameterError(f"environments extend one another in a ring: {', '.join(names[1:])}, {extended}")
        found = merge(*layers)
        if chosen := chosen_network(found):  # what is named beside it in an environment, or typed, is over it
            above = [layer.get("network", {}) for layer in [*layers[1:], dict(self.runtime_params or {})]]
            named = [{name: value for name, value in network.items() if name != "architecture"} for network in above]
            found = merge(found, {"network": merge(chosen, *named)})
        return found

    def _parameters(self, name: str) -> dict[str, Any] | None:
        """Return the parameters of an environment and, over them, what is typed; None where it has no folder."""
        folder = Path(self.conf_source) / name
        if not folder.is_dir():
            return None
        patterns = self.config_patterns["parameters"]
        check_parameter_files(sorted({f for each in patterns for f in folder.glob(each) if f.suffix in YAML}))
        return dict(self.load_and_merge_dir_config(str(folder), patterns, "parameters", set()))

    def _check_environment(self, name: str | None) -> None:
        """Refuse an environment that is not there, offering near ones."""
        conf = Path(self.conf_source)
        if name and conf.is_dir() and not (conf / name).is_dir():
            known = [path.name for path in conf.iterdir() if path.is_dir() and not path.name.startswith(".")]
            raise unknown_name("environment", name, known)


def _environment_for(parameters: Mapping[str, Any]) -> str | None:
    """Return the environment where none is named: of a folder of images, or of features of them."""
    from whosame.data.source import layout_of

    if layout_of(parameters) != "folder":
        return None
    return "features" if parameters.get("features") else "photos"
