"""Tests of the check itself: `check.py test`."""
