//! How a process ended, in Lambda's words.
//!
//! Source: AWS Lambda developer guide, "Troubleshooting invocation issues"; the words for signals are those of Go, in which
//! Lambda's own supervisor is written.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// What a process that ended is told by.
pub(crate) fn words(status: Option<ExitStatus>) -> String {
    let how = match status.map(|status| (status.code(), status.signal())) {
        // Nobody asks for another invocation, and nothing says why.
        Some((Some(0), _)) => return "Runtime exited without providing a reason".to_owned(),
        Some((Some(code), _)) => format!("exit status {code}"),
        Some((None, Some(number))) => match signal(number) {
            Some(name) => format!("signal: {name}"),
            None => format!("signal {number}"),
        },
        _ => "unknown status".to_owned(),
    };
    format!("Runtime exited with error: {how}")
}

/// The signals that have one number everywhere (signal(7)).
fn signal(number: i32) -> Option<&'static str> {
    let names = [
        (1, "hangup"),
        (2, "interrupt"),
        (3, "quit"),
        (4, "illegal instruction"),
        (5, "trace/breakpoint trap"),
        (6, "aborted"),
        (8, "floating point exception"),
        (9, "killed"),
        (11, "segmentation fault"),
        (13, "broken pipe"),
        (14, "alarm clock"),
        (15, "terminated"),
    ];
    names.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_lambdas_words() {
        let cases = [
            (0x0000, "Runtime exited without providing a reason"),
            (0x0300, "Runtime exited with error: exit status 3"),
            (0x0009, "Runtime exited with error: signal: killed"),
            (0x000B, "Runtime exited with error: signal: segmentation fault"),
            (0x0022, "Runtime exited with error: signal 34"),
        ];
        for (raw, told) in cases {
            assert_eq!(words(Some(ExitStatus::from_raw(raw))), told);
        }
    }
}
