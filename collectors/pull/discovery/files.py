"""Targets in files; a file that is broken keeps the targets it gave before."""

import glob
from pathlib import Path

from collectors.pull.discovery.groups import InvalidTargets, TargetGroup, read_groups
from collectors.pull.discovery_config import FileDiscovery


class FileTargets:
    """Reads the files of one configuration again and again."""

    def __init__(self, config: FileDiscovery) -> None:
        self._config = config
        self._read: dict[str, tuple[tuple[int, int], list[TargetGroup]]] = {}
        self.problems: list[str] = []

    def groups(self) -> list[TargetGroup]:
        """Groups of all files that there are now; `problems` names those that could not be read."""
        self.problems = []
        paths = sorted({path for pattern in self._config.patterns for path in glob.glob(pattern, recursive=True)})
        self._read = {path: read for path in paths if (read := self._file(path)) is not None}
        return [group for _, groups in self._read.values() for group in groups]

    def _file(self, path: str) -> tuple[tuple[int, int], list[TargetGroup]] | None:
        before = self._read.get(path)
        try:
            status = Path(path).stat()
            mark = status.st_mtime_ns, status.st_size
            if before and before[0] == mark:
                return before
            found = read_groups(Path(path).read_bytes(), is_json=path.endswith(".json"))
        except (InvalidTargets, OSError) as error:
            self.problems.append(f"{path}: {error}; its former targets stay")
            return before
        return mark, [TargetGroup(group.targets, {**group.labels, "__meta_filepath": path}) for group in found]
