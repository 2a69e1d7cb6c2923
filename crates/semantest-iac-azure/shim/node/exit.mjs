// How a process ended, in Lambda's words (AWS Lambda developer guide, "Troubleshooting invocation issues").
import { constants } from "node:os";

// The words of Go, in which Lambda's own supervisor is written, for signals that have one number everywhere.
const SIGNALS = {
  1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction", 5: "trace/breakpoint trap", 6: "aborted",
  8: "floating point exception", 9: "killed", 11: "segmentation fault", 13: "broken pipe", 14: "alarm clock", 15: "terminated",
};

// A process has an exit code, or the name of the signal that ended it.
export function words(code, signal) {
  // Nobody asks for another invocation, and nothing says why.
  if (code === 0) return "Error: Runtime exited without providing a reason";
  const number = constants.signals[signal];
  const how = signal ? (SIGNALS[number] ? `signal: ${SIGNALS[number]}` : `signal ${number ?? signal}`) : `exit status ${code}`;
  return `Error: Runtime exited with error: ${how}`;
}
