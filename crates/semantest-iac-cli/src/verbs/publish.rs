//! `events publish`

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use semantest_iac::events::envelope::Envelope;
use semantest_iac::{Error, ErrorKind, Iac, Result};

use super::conclude;
use crate::Exit;
use crate::session::Session;

/// Largest event that is read, in bytes.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

pub(super) async fn run(session: &Session, file: &Path) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    let event = read(&iac, file).await?;
    let answer = iac.publish(event, &session.cancel).await?;
    match &answer.result {
        Some(result) if !session.output.is_json() => Ok(conclude(&session.output, result.clone())),
        Some(result) => {
            session.output.result(&answer, "");
            Ok(result.error.as_ref().map_or(Exit::DONE, |error| Exit::of_kind(error.kind)))
        }
        None => {
            let what = match answer.duplicate {
                true => "was recorded before; nothing is done",
                false => "is recorded",
            };
            session.output.result(&answer, &format!("{} {} {what}", answer.event, answer.id));
            Ok(Exit::DONE)
        }
    }
}

/// The event in `file`: a whole CloudEvents event, or only its type and data.
async fn read(iac: &Iac, file: &Path) -> Result<Envelope> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let failed = |text: String| {
        Error::new(ErrorKind::InvalidInput, "event.read", format!("{name}: {text}")).with("file", &name)
    };
    let from = file.to_owned();
    // On a thread of its own: Ctrl-C is heard meanwhile.
    let read = tokio::task::spawn_blocking(move || bytes_of(&from)).await;
    let bytes = read.unwrap_or_else(|error| Err(io::Error::other(error)));
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(failed(format!("an event has at most {} MiB", SIZE_LIMIT >> 20)));
    }
    iac.read_event(&bytes).map_err(|error| {
        let located = failed(error.message().to_owned());
        error.context().iter().fold(located, |located, (key, value)| located.with(key, value))
    })
}

/// At most one byte more than an event may have.
fn bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match file == Path::new("-") {
        true => io::stdin().take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?,
        false => File::open(file)?.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
