#!/usr/bin/env python
"""The same as the console command `belvedere`."""

from dashboard.cli import main

if __name__ == "__main__":
    main()
