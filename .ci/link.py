"""Makes this checkout importable in the virtual environment that runs this file, with its console command."""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COMMAND = f"""\
#!{sys.executable}
from dashboard.cli import main

main()
"""


def link() -> None:
    """Write the path file and the command; the checkout stays where it is."""
    paths = sysconfig.get_paths()
    (Path(paths["purelib"]) / "belvedere.pth").write_text(f"{ROOT}\n")
    command = Path(paths["scripts"]) / "belvedere"
    command.write_text(COMMAND)
    command.chmod(0o755)


if __name__ == "__main__":
    link()
