"""Where everything listens. Recordings hold these addresses, so they are the same on every machine."""

PUBLIC_PORT, ADMIN_PORT, SINK_PORT = 4433, 4434, 4461

PUBLIC = f"http://127.0.0.1:{PUBLIC_PORT}"
"""The public API of the server under test."""

ADMIN = f"http://127.0.0.1:{ADMIN_PORT}"
"""The admin API of the server under test."""

SINK = f"http://127.0.0.1:{SINK_PORT}"
"""What the server calls: web hooks, the courier's HTTP channel, and an OpenID provider under `/oidc`."""
