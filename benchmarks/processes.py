"""What processes cost, from /proc: CPU seconds, memory, and how much of the machine others used meanwhile (Linux)."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: `largest` is the resident size of the largest process, `together` the share-aware size of all (PSS)."""

    largest: int
    together: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks: wall, CPU of the whole machine, and CPU of each named group of processes, in seconds."""

    wall: float
    machine: float
    groups: dict[str, float]


def tree(root: int) -> list[int]:
    """`root` and all processes below it."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of `root`, of what runs below it, and of what ran below it and ended."""
    total = 0
    for pid in tree(root):
        if fields := _stat(pid):
            total += sum(map(int, fields[11:15]))
    return total / _TICKS


def memory(root: int) -> Memory:
    """What `root` and the processes below it hold."""
    sizes = [size for pid in tree(root) if (size := _sizes(pid))]
    return Memory(max(resident for resident, _ in sizes), sum(share for _, share in sizes))


def read(groups: dict[str, int]) -> Reading:
    """The clocks now; `groups` names the root process of each group."""
    fields = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft = map(int, fields[:7])
    machine = (user + nice + system + irq + soft) / _TICKS
    return Reading(time.perf_counter(), machine, {name: cpu_seconds(root) for name, root in groups.items()})


def others(before: Reading, after: Reading, own: float) -> float:
    """The share of the machine (0 to 1) that processes used which belong to no group and are not the client (`own` CPU seconds)."""
    ours = own + sum(after.groups[name] - before.groups[name] for name in after.groups)
    available = (after.wall - before.wall) * (os.cpu_count() or 1)
    return max(0.0, (after.machine - before.machine - ours) / available)


def disk_bytes(paths: Iterable[Path]) -> int:
    """What files and folders take on disk."""
    return sum(file.stat().st_blocks * 512 for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name: state, parent, ..."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _sizes(pid: int) -> tuple[int, int] | None:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in text.splitlines()[1:]}
    return sizes.get("Rss:", 0), sizes.get("Pss:", 0)
