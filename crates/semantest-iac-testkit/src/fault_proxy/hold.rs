//! Stops a program's work at one of its calls, so that it can be killed there.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Where a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When its n-th call has arrived (from 1, counted from now), and before the service hears of it.
    Before(usize),
    /// When its n-th call has taken effect, and before the program hears of it.
    After(usize),
    /// When the n-th of its calls that change something has taken effect, and before the program hears of it. How often it
    /// looks and waits in between depends on the machine.
    AfterChange(usize),
}

/// A moment that a program is stopped at: the call is never answered.
#[derive(Debug)]
pub struct Hold {
    reached: Receiver<()>,
}

impl Hold {
    /// Waits until the program has come there; whether it did within this time.
    pub fn reached(&self, within: Duration) -> bool {
        self.reached.recv_timeout(within).is_ok()
    }
}

/// The proxy's end of a [`Hold`].
#[derive(Debug)]
pub(crate) struct Held {
    moment: Moment,
    seen: usize,
    reached: Sender<()>,
}

impl Held {
    pub fn new(moment: Moment) -> (Self, Hold) {
        let (reached, there) = channel();
        (Self { moment, seen: 0, reached }, Hold { reached: there })
    }

    /// Counts a call; where it is to be stopped, if it is the one.
    pub fn count(&mut self, changes_something: bool) -> Option<Stop> {
        let (nth, after) = match self.moment {
            Moment::Before(nth) => (nth, false),
            Moment::After(nth) => (nth, true),
            Moment::AfterChange(_) if !changes_something => return None,
            Moment::AfterChange(nth) => (nth, true),
        };
        self.seen += 1;
        (nth == self.seen).then(|| Stop { after, reached: self.reached.clone() })
    }
}

/// What the stopped call does.
#[derive(Debug)]
pub(crate) struct Stop {
    pub after: bool,
    reached: Sender<()>,
}

impl Stop {
    /// Says that the moment has come, and never returns.
    pub async fn wait(self) -> std::convert::Infallible {
        let _ = self.reached.send(());
        std::future::pending().await
    }
}
