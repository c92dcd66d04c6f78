"""`python -m workers`, but its jobs are run by the miniature child."""

import sys
from pathlib import Path

from workers import app
from workers.__main__ import main

if __name__ == "__main__":
    app.child_command = (sys.executable, str(Path(__file__).with_name("child.py")))
    main(sys.argv[1:])
