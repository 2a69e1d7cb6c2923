//! A line of a function's log, for people.

use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::provider::LogLine;

/// Time, function, request and message.
pub(crate) fn text(line: &LogLine) -> String {
    let time = line.time.strftime("%H:%M:%S%.3f");
    let request = line.request_id.as_deref().and_then(|id| id.get(..8)).unwrap_or("-");
    let message = without_repetition(&line.message, line.request_id.as_deref());
    let replica = line.replica.map(|number| format!("[{number}]")).unwrap_or_default();
    format!("{time} {}{replica} {request} {message}", line.function_name)
}

/// Runtimes put time and request id before what is logged; they stand in this line already.
fn without_repetition(message: &str, request_id: Option<&str>) -> String {
    let Some(id) = request_id.filter(|id| message.contains(*id) && message.contains('\t')) else {
        return message.to_owned();
    };
    let repeated = |part: &&str| *part == id || part.parse::<Timestamp>().is_ok();
    let parts = message.split('\t').enumerate();
    let kept = parts.filter(|(at, part)| *at > 2 || !repeated(part)).map(|(_, part)| part);
    kept.collect::<Vec<_>>().join(" ")
}
