raise LookupError("at its start")
