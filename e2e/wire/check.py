#!/usr/bin/env python3
"""Replays recorded HTTP exchanges of Ory Kratos: `check.py --help`, and ../README.md."""

import sys

from checker.cli import main

if __name__ == "__main__":
    sys.exit(main())
