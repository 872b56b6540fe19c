"""A fake of Tailscale's API v2; see README.md."""

from .access import Client
from .api import FakeTailscaleApi
from .headscale import HeadscaleTailnet
from .tailnet import MemoryTailnet

__all__ = ["Client", "FakeTailscaleApi", "HeadscaleTailnet", "MemoryTailnet"]
