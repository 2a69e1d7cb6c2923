//! What follows from looks at one process of a replica.

use std::time::Duration;

use tokio::time::Instant;

use crate::replicas::health::Health;

/// A replica that is not well within this time after its start is started anew; of a container, its image may have to be
/// pulled first.
const START_TIME: Duration = Duration::from_secs(60);
const CONTAINER_START_TIME: Duration = Duration::from_secs(300);
/// How often a replica that starts is looked at.
const LOOK_OFTEN: Duration = Duration::from_millis(100);
/// How often one that is not well is.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often one that is well is.
const LOOK: Duration = Duration::from_secs(5);
/// So many looks in a row make it unwell.
const UNWELL_AFTER: u32 = 2;
/// One that is unwell for longer is started anew.
const UNWELL_TIME: Duration = Duration::from_secs(30);

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may take requests.
    Well,
    /// It stays as it is.
    Wait,
    /// It may not take requests, for this reason.
    Unwell(String),
    /// Its process has to go, for this reason.
    Replace(String),
}

/// Judges one process of a replica.
pub(crate) struct Judgement {
    port: u16,
    start_time: Duration,
    begun: Instant,
    was_well: bool,
    /// Looks in a row that were not good.
    failures: u32,
    unwell_since: Option<Instant>,
}

impl Judgement {
    /// Of a process that was started now and is to listen on `port`.
    pub fn new(port: u16, is_container: bool) -> Self {
        let start_time = if is_container { CONTAINER_START_TIME } else { START_TIME };
        let begun = Instant::now();
        Self { port, start_time, begun, was_well: false, failures: 0, unwell_since: None }
    }

    /// Takes in what a look has found.
    pub fn hear(&mut self, health: Health, now: Instant) -> Verdict {
        let why = match health {
            Health::Well => {
                (self.was_well, self.failures, self.unwell_since) = (true, 0, None);
                return Verdict::Well;
            }
            Health::Deaf => format!(
                "nothing listens on 127.0.0.1:{}, which is the port that PORT in its environment says",
                self.port
            ),
            Health::Unwell(why) => why,
        };
        if !self.was_well {
            let time = self.start_time.as_secs();
            return match now.duration_since(self.begun) > self.start_time {
                true => Verdict::Replace(format!("it is not well {time} s after its start: {why}")),
                false => Verdict::Wait,
            };
        }
        self.failures += 1;
        if self.failures < UNWELL_AFTER {
            return Verdict::Wait;
        }
        match now.duration_since(*self.unwell_since.get_or_insert(now)) > UNWELL_TIME {
            true => Verdict::Replace(format!("it has been unwell for {} s: {why}", UNWELL_TIME.as_secs())),
            false => Verdict::Unwell(why),
        }
    }

    /// How long until the next look.
    pub fn pause(&self) -> Duration {
        match (self.was_well, self.failures) {
            (false, _) => LOOK_OFTEN,
            (true, 0) => LOOK,
            (true, _) => LOOK_AGAIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwell() -> Health {
        Health::Unwell("500".into())
    }

    #[tokio::test]
    async fn a_start_takes_its_time_and_no_longer() {
        let mut judgement = Judgement::new(20_001, false);
        let later = judgement.begun + START_TIME;
        assert_eq!(judgement.hear(Health::Deaf, later), Verdict::Wait);
        let Verdict::Replace(why) = judgement.hear(Health::Deaf, later + LOOK_OFTEN) else {
            panic!("too long")
        };
        assert!(why.contains("60 s after its start: nothing listens on 127.0.0.1:20001"), "{why}");
        assert_eq!(
            Judgement::new(1, true).hear(unwell(), later + LOOK),
            Verdict::Wait,
            "a container takes longer"
        );
    }

    #[tokio::test]
    async fn one_bad_look_is_none_two_are_and_half_a_minute_of_them_is_the_end() {
        let mut judgement = Judgement::new(20_001, false);
        let now = judgement.begun;
        assert_eq!(judgement.hear(Health::Well, now), Verdict::Well);
        assert_eq!((judgement.hear(unwell(), now), judgement.pause()), (Verdict::Wait, LOOK_AGAIN));
        assert_eq!((judgement.hear(Health::Well, now), judgement.pause()), (Verdict::Well, LOOK));
        judgement.hear(unwell(), now);
        assert_eq!(judgement.hear(unwell(), now), Verdict::Unwell("500".into()));
        assert_eq!(judgement.hear(unwell(), now + UNWELL_TIME), Verdict::Unwell("500".into()));
        let Verdict::Replace(_) = judgement.hear(unwell(), now + UNWELL_TIME + LOOK) else {
            panic!("too long")
        };
    }
}
