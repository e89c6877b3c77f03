"""Who PostgreSQL runs as when root starts it, and where that user can go. No user is created, no folder opened up."""

import os
import pwd
import tempfile
from pathlib import Path

from relay.demo.child import ServerError

PREFERRED = ("postgres", "nobody", "daemon")


def choose() -> int | None:
    """None when we are an ordinary user already; for root, the id of one that every Unix has."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in PREFERRED:
        if name in users:
            return users[name]
    if users:
        return min(users.values())
    raise ServerError("PostgreSQL does not run as root, and this machine has no other user to run it as.")


def can_reach(path: Path, user: int) -> bool:
    """Whether `user` may walk to `path` and read and run what is there, by the permission bits."""
    return all(_may(part, user, 0o1) for part in path.parents) and _may(path, user, 0o5)


def open_directory(user: int | None) -> Path:
    """A directory for temporary things that `user` can reach."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - only the parent of mkdtemp
        if user is None or can_reach(Path(place), user):
            return Path(place)
    raise ServerError(f"No temporary directory that user {user} can reach; set TMPDIR to one.")


def own_directory(prefix: str, place: Path, user: int | None) -> Path:
    """A new directory in `place` that only `user` (or we, where that is None) may enter."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    if user is not None:
        os.chown(directory, user, -1)
    return directory


def give(tree: Path, user: int) -> None:
    """Make `user` the owner of a directory and all that is in it."""
    for path in (tree, *tree.rglob("*")):
        os.chown(path, user, -1, follow_symlinks=False)


def _may(path: Path, user: int, bits: int) -> bool:
    """`bits` as in the last digit of a mode: 4 read, 1 run or walk through."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_uid == user:
        return status.st_mode >> 6 & bits == bits
    if status.st_gid == pwd.getpwuid(user).pw_gid:
        return status.st_mode >> 3 & bits == bits
    return status.st_mode & bits == bits
