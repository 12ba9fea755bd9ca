"""Replays recorded HTTP exchanges of Ory Kratos against a server, and says where its answers differ.

This is the whole of what scenarios import; `../check.py` is the command.
"""

from checker.addresses import ADMIN, PUBLIC, SINK
from checker.client import Client, Wire
from checker.flows import csrf, flatten, node
from checker.scenarios import scenario

__all__ = ["ADMIN", "PUBLIC", "SINK", "Client", "Wire", "csrf", "flatten", "node", "scenario"]
