"""What the core logs, as records of Python's `logging`."""

from __future__ import annotations

import logging
import sys
import traceback

from semantest_iac import _core

ROOT = "semantest_iac"
TRACE = 5

# A library prints nothing unless its application asks for it.
if not logging.getLogger(ROOT).handlers:
    logging.getLogger(ROOT).addHandler(logging.NullHandler())
if logging.getLevelName(TRACE) == f"Level {TRACE}":
    logging.addLevelName(TRACE, "TRACE")


def logger_name(target: str) -> str:
    """The logger for a target of the core: `semantest_iac_core::x` is `semantest_iac.core.x`.

    What crates of others say is below `semantest_iac` too: its level and its handlers are for all that is said.
    """
    name = target.replace("::", ".")
    if name == ROOT or name.startswith(ROOT + "."):
        return name
    return f"{ROOT}.{name.removeprefix(ROOT + '_')}"


def emit(target: str, level: int, message: str, fields: dict[str, str]) -> None:
    """Hands one message to its logger. The record has `target` and `fields` as well."""
    name = logger_name(target)
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(level):
        return
    text = " ".join([message, *(f"{key}={value}" for key, value in fields.items())]).strip()
    extra = {"target": target, "fields": fields}
    try:
        logger.handle(logger.makeRecord(name, level, "", 0, text, (), None, extra=extra))
    except Exception:
        # What the application's filters and handlers raise is told as `logging` tells it, and
        # costs nobody the messages behind this one.
        if logging.raiseExceptions and sys.stderr:
            traceback.print_exc()


def follow_levels() -> None:
    """Has the core log what some logger of ours wants, and nothing finer."""
    # Copied at once: other threads may be making loggers.
    loggers = list(logging.Logger.manager.loggerDict.items())
    own = [logger for name, logger in loggers if name.startswith(ROOT + ".")]
    wanted = [logger for logger in own if isinstance(logger, logging.Logger)]
    levels = [logger.getEffectiveLevel() for logger in [logging.getLogger(ROOT), *wanted]]
    disabled = logging.root.manager.disable
    _core.set_level(max(min(levels), disabled + 1 if disabled else 0))
