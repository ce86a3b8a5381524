"""Writes the settings table of README.md anew from the settings that the code reads."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
START, END = "<!-- settings:", "<!-- /settings -->"


def rewrite() -> None:
    """Replace what stands between the two marks; the marks stay."""
    command = [sys.executable, "manage.py", "settings", "--markdown"]
    table = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    before, _, rest = README.read_text().partition(START)
    mark, _, old = rest.partition("-->")
    README.write_text(f"{before}{START}{mark}-->\n\n{table}\n\n{END}{old.partition(END)[2]}")


if __name__ == "__main__":
    rewrite()
