"""How a process ended, in Lambda's words (AWS Lambda developer guide, "Troubleshooting invocation issues")."""

# The words of Go, in which Lambda's own supervisor is written, for signals that have one number everywhere.
SIGNALS = {
    1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 5: "trace/breakpoint trap", 6: "aborted",
    8: "floating point exception", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 14: "alarm clock", 15: "terminated",
}


def words(status):
    """`status` is a process's exit code, or below zero the number of the signal that ended it."""
    if status == 0:
        # Nobody asks for another invocation, and nothing says why.
        return "Error: Runtime exited without providing a reason"
    if status > 0:
        how = "exit status %d" % status
    elif -status in SIGNALS:
        how = "signal: " + SIGNALS[-status]
    else:
        how = "signal %d" % -status
    return "Error: Runtime exited with error: " + how
