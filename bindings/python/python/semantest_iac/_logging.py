"""What the core logs, as records of Python's `logging`."""

from __future__ import annotations

import logging

from semantest_iac import _core

ROOT = "semantest_iac"

# A library prints nothing unless its application asks for it.
logging.getLogger(ROOT).addHandler(logging.NullHandler())
logging.addLevelName(5, "TRACE")


def logger_name(target: str) -> str:
    """The logger for a target of the core: `semantest_iac_core::x` is `semantest_iac.core.x`."""
    name = target.replace("::", ".")
    own = ROOT + "_"
    return f"{ROOT}.{name[len(own) :]}" if name.startswith(own) else name


def emit(target: str, level: int, message: str, fields: dict[str, str]) -> None:
    """Hands one message to its logger. The record has `target` and `fields` as well."""
    name = logger_name(target)
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level):
        return
    text = " ".join([message, *(f"{key}={value}" for key, value in fields.items())]).strip()
    extra = {"target": target, "fields": fields}
    logger.handle(logger.makeRecord(name, level, "", 0, text, (), None, extra=extra))


def follow_levels() -> None:
    """Has the core log what some logger of ours wants, and nothing finer."""
    loggers = logging.Logger.manager.loggerDict
    own = [name for name in loggers if name == ROOT or name.startswith(ROOT + ".")]
    levels = [logging.getLogger(name).getEffectiveLevel() for name in [ROOT, *own]]
    disabled = logging.root.manager.disable
    _core.set_level(max(min(levels), disabled + 1 if disabled else 0))
