"""Ports."""
from typing import Any
Provider = EventBus = EventStore = SecretResolver = Any
