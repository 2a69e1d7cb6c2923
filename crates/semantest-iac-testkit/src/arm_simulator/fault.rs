//! What goes wrong, and when.

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused.
    Refused {
        /// HTTP status.
        status: u16,
        /// The service's code.
        code: String,
        /// The service's words.
        message: String,
        /// How long to stay away, in seconds.
        retry_after: Option<u64>,
    },
    /// It takes effect, and the connection breaks before the answer.
    AnswerLost,
    /// The connection breaks before it takes effect.
    RequestLost,
    /// It is accepted; what it began comes to nothing: `Failed` or `Canceled`.
    Ends {
        /// `Failed`, `Canceled`.
        status: String,
        /// The service's code.
        code: String,
        /// The service's words.
        message: String,
    },
    /// It is accepted, and the place to look at is on another host.
    PollsElsewhere(String),
    /// It is accepted, and the place to look at is not known for so many looks.
    PollsUnknown(u32),
}

impl Fault {
    /// Too many calls, with a `Retry-After` in seconds.
    pub fn throttled(retry_after: u64) -> Self {
        Self::refused(429, "TooManyRequests", "Number of requests exceeded the limit.", Some(retry_after))
    }

    /// The service is busy with the same resource.
    pub fn busy() -> Self {
        let words = "Cannot modify this resource because another operation is in progress.";
        Self::refused(409, "Conflict", words, None)
    }

    /// The service fails.
    pub fn unavailable() -> Self {
        Self::refused(503, "ServiceUnavailable", "The service is unavailable.", None)
    }

    /// What the call began fails.
    pub fn fails(code: &str, message: &str) -> Self {
        Self::Ends { status: "Failed".into(), code: code.into(), message: message.into() }
    }

    /// Somebody cancels what the call began.
    pub fn canceled() -> Self {
        let (code, message) = ("Canceled".to_owned(), "The operation was canceled by somebody.".to_owned());
        Self::Ends { status: "Canceled".into(), code, message }
    }

    /// A refusal.
    pub fn refused(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Self {
        Self::Refused { status, code: code.into(), message: message.into(), retry_after }
    }
}

/// Which calls a fault strikes.
#[derive(Clone, Debug)]
pub struct Rule {
    method: String,
    part: String,
    pub(super) fault: Fault,
    skip: u32,
    left: u32,
}

impl Rule {
    /// The next call by `method` whose path holds `part` (in any letters).
    pub fn new(method: &str, part: &str, fault: Fault) -> Self {
        Self { method: method.into(), part: part.to_ascii_lowercase(), fault, skip: 0, left: 1 }
    }

    /// So many calls instead of one.
    pub fn times(self, calls: u32) -> Self {
        Self { left: calls, ..self }
    }

    /// So many calls are spared first.
    pub fn after(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }

    /// Whether it strikes this call; counts it.
    pub(super) fn strikes(&mut self, method: &str, path: &str) -> bool {
        if self.left == 0 || self.method != method || !path.to_ascii_lowercase().contains(&self.part) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left -= 1;
        true
    }
}
