"""Adapters for applications of PythonEDA.

Events travel as envelopes: CloudEvents 1.0 objects, as dicts. These functions turn the
application's events into envelopes and back, and connect its listeners and its port for
infrastructure with semantest-iac. They work on the classes and objects that they are given: nothing
of PythonEDA is imported, and no name that came in an event is.

    from semantest_iac.pythoneda import stack_operation_factory

    SemantestStackOperationFactory = stack_operation_factory(StackOperationFactory, iac)
"""

from semantest_iac.pythoneda.bridge import Bridge
from semantest_iac.pythoneda.constructor import from_envelope
from semantest_iac.pythoneda.dbus import DbusSignal, from_dbus, to_dbus
from semantest_iac.pythoneda.decoder import to_envelope
from semantest_iac.pythoneda.define_event import define_event
from semantest_iac.pythoneda.envelope import Envelope, chain, event_name, new_envelope
from semantest_iac.pythoneda.equivalents import to_request
from semantest_iac.pythoneda.json_form import to_pythoneda_json
from semantest_iac.pythoneda.stack_operation import StackOperation, stack_operation_factory

__all__ = [
    "Bridge",
    "DbusSignal",
    "Envelope",
    "StackOperation",
    "chain",
    "define_event",
    "event_name",
    "from_dbus",
    "from_envelope",
    "new_envelope",
    "stack_operation_factory",
    "to_dbus",
    "to_envelope",
    "to_pythoneda_json",
    "to_request",
]
