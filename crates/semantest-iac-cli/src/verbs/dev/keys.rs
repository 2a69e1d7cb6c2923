//! Keys, where `dev` runs in a terminal.

use std::io::{IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Restart,
    Open,
    Clear,
    Help,
    Quit,
}

impl Key {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte.to_ascii_lowercase() {
            b'r' => Self::Restart,
            b'o' => Self::Open,
            b'c' => Self::Clear,
            b'h' | b'?' => Self::Help,
            // Ctrl-D, too.
            b'q' | 4 => Self::Quit,
            _ => return None,
        })
    }
}

/// The keyboard: keys come as they are pressed. The terminal is as it was before once this has gone.
pub(super) struct Keys {
    pressed: Option<UnboundedReceiver<Key>>,
    before: Option<Termios>,
}

impl Keys {
    /// Listens where it is `wanted` and this program has the terminal. Ctrl-C stays a signal.
    pub fn listen(wanted: bool) -> Self {
        let input = std::io::stdin();
        let in_front = tcgetpgrp(&input).is_ok_and(|group| group == rustix::process::getpgrp());
        let before = tcgetattr(&input).ok().filter(|_| wanted && in_front && input.is_terminal());
        let Some(before) = before else { return Self { pressed: None, before: None } };
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        if tcsetattr(&input, OptionalActions::Now, &modes).is_err() {
            return Self { pressed: None, before: None };
        }
        let (sender, pressed) = unbounded_channel();
        // A thread of its own: it waits in the kernel, and ends with the program.
        std::thread::spawn(move || {
            let bytes = std::io::stdin().lock().bytes();
            for key in bytes.map_while(|byte| byte.ok()).filter_map(Key::of) {
                if sender.send(key).is_err() {
                    return;
                }
            }
        });
        Self { pressed: Some(pressed), before: Some(before) }
    }

    /// Whether there are any.
    pub fn are_there(&self) -> bool {
        self.pressed.is_some()
    }

    /// The next one.
    pub async fn next(&mut self) -> Key {
        match &mut self.pressed {
            Some(pressed) => match pressed.recv().await {
                Some(key) => key,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The terminal may be gone.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
