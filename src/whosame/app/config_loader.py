"""Kedro's configuration loader, with environments that extend another one, and the round that comes next."""

from pathlib import Path
from typing import Any, ClassVar

from kedro.config import OmegaConfigLoader

from whosame.app import paths
from whosame.app.parameter_files import check_parameter_files
from whosame.errors import ParameterError, unknown_name
from whosame.parameters import merge


class ConfigLoader(OmegaConfigLoader):  # type: ignore[misc]
    """Kedro's loader.

    Parameters may name an environment that they extend: ``extends: published``. It lies between ``base`` and their own.
    ``round: null`` becomes the number of the next round, ``env`` the environment. The catalog's resolvers
    ``round_folder`` and ``previous_folder`` return the folders of that round and of the one before.
    """

    _run_and_round: ClassVar[tuple[str, int]]  # of the catalog that is being read: a process has one set of resolvers

    def __init__(self, *given: Any, **options: Any) -> None:
        resolvers = {
            "round_folder": lambda: paths.round_folder(*ConfigLoader._run_and_round),
            "previous_folder": lambda: paths.previous_folder(*ConfigLoader._run_and_round),
        }
        super().__init__(*given, custom_resolvers=resolvers, **options)
        self._check_environment(self.env)

    def __getitem__(self, key: str) -> Any:
        """Return the configuration of a key, such as ``parameters`` or ``catalog``."""
        if key == "catalog":
            parameters = self["parameters"]
            ConfigLoader._run_and_round = parameters["run"], parameters["round"]
        found = super().__getitem__(key)
        if key != "parameters":
            return found
        self._check_environment(found.get("extends"))
        names = [self.base_env, found.get("extends"), self.env or self.default_run_env]
        folders = [Path(self.conf_source) / name for name in names if name]
        patterns = self.config_patterns[key]
        files = {file for folder in folders for pattern in patterns for file in folder.glob(pattern)}
        check_parameter_files(sorted(file for file in files if file.suffix in (".yml", ".yaml")))
        if "extends" in found:
            found = merge(*(self.load_and_merge_dir_config(str(f), patterns, key, set()) for f in folders))
        number = paths.round_number(found["run"], found.get("round"))
        if "env" in (self.runtime_params or {}):
            raise ParameterError(
                f"env is no parameter to be typed: --env={self.runtime_params['env']} names an environment"
            )
        env = None if self.env == self.default_run_env else self.env
        found = {name: value for name, value in found.items() if name != "extends"}
        return found | {"round": number, "env": env or None}

    def _check_environment(self, name: str | None) -> None:
        """Refuse an environment that is not there, offering near ones."""
        conf = Path(self.conf_source)
        if name and conf.is_dir() and not (conf / name).is_dir():
            known = [path.name for path in conf.iterdir() if path.is_dir() and not path.name.startswith(".")]
            raise unknown_name("environment", name, known)
