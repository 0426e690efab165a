"""Removes the lmms-eval entry point from the wheel, which does not contain its module.

An entry point that cannot be loaded would keep lmms-eval from loading the plugins after it. An
editable install has the whole checkout on its path and keeps the entry point.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelEntryPoints(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            self.metadata.core.entry_points.pop("lmms_eval.models", None)
