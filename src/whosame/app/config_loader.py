"""Kedro's configuration loader, with environments that extend another one, and the round that comes next."""

from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader

from whosame.app import paths
from whosame.parameters import merge


class ConfigLoader(OmegaConfigLoader):  # type: ignore[misc]
    """Kedro's loader.

    Parameters may name an environment that they extend: ``extends: published``. It lies between ``base`` and their own.
    ``round: null`` becomes the number of the next round. The catalog's resolvers ``round_folder`` and
    ``previous_folder`` return the folders of that round and of the one before.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        resolvers = {"round_folder": self._round_folder, "previous_folder": self._previous_folder}
        super().__init__(*given, custom_resolvers=resolvers, **options)

    def __getitem__(self, key: str) -> Any:
        """Return the configuration of a key, such as ``parameters`` or ``catalog``."""
        found = super().__getitem__(key)
        if key != "parameters":
            return found
        if "extends" in found:
            folders = [Path(self.conf_source) / name for name in (self.base_env, found["extends"], self.env)]
            patterns = self.config_patterns[key]
            found = merge(*(self.load_and_merge_dir_config(str(f), patterns, key, set()) for f in folders))
        number = paths.round_number(found["run"], found.get("round"))
        return {name: value for name, value in found.items() if name != "extends"} | {"round": number}

    def _round_folder(self) -> str:
        parameters = self["parameters"]
        return paths.round_folder(parameters["run"], parameters["round"])

    def _previous_folder(self) -> str:
        parameters = self["parameters"]
        return paths.previous_folder(parameters["run"], parameters["round"])
