//! Answers of authorizers that still hold.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer::Answer;

/// So many answers are kept; more only cost the calls that they would have saved.
const MOST: usize = 1024;

/// What an answer was given to. Holds what clients sent to be known by, so it is never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The authorizer's name.
    pub authorizer: String,
    /// The function that is asked, and which of its versions.
    pub function: (String, u64),
    /// Of which shape its answers are.
    pub simple: bool,
    /// What stands at its identity sources.
    pub identities: Vec<String>,
}

/// Answers by what they were given to.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Question, (Instant, Answer)>>);

impl Cache {
    fn kept(&self) -> MutexGuard<'_, HashMap<Question, (Instant, Answer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that holds `now`.
    pub fn get(&self, question: &Question, now: Instant) -> Option<Answer> {
        let kept = self.kept();
        kept.get(question).filter(|(until, _)| now < *until).map(|(_, answer)| answer.clone())
    }

    /// Keeps an answer for `ttl` from `now` on.
    pub fn put(&self, question: Question, answer: Answer, ttl: Duration, now: Instant) {
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.retain(|_, (until, _)| now < *until);
        }
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(question, (now + ttl, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(identity: &str, version: u64) -> Question {
        let function = ("auth".to_owned(), version);
        Question { authorizer: "a".into(), function, simple: true, identities: vec![identity.to_owned()] }
    }

    #[test]
    fn an_answer_holds_for_its_time_its_identity_and_the_code_that_gave_it() {
        let (cache, now) = (Cache::default(), Instant::now());
        let answer = Answer::read(br#"{"isAuthorized":true}"#, true).expect("an answer");
        cache.put(question("ann", 1), answer.clone(), Duration::from_secs(10), now);
        let at = |seconds: u64| now + Duration::from_secs(seconds);
        assert_eq!(cache.get(&question("ann", 1), at(9)), Some(answer));
        assert_eq!(cache.get(&question("ann", 1), at(10)), None, "its time is over");
        assert_eq!(cache.get(&question("bob", 1), at(1)), None, "somebody else");
        assert_eq!(cache.get(&question("ann", 2), at(1)), None, "other code");
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let (cache, now) = (Cache::default(), Instant::now());
        let answer = Answer::read(br#"{"isAuthorized":true}"#, true).expect("an answer");
        for number in 0..3 * MOST {
            cache.put(question(&number.to_string(), 1), answer.clone(), Duration::from_secs(10), now);
        }
        assert!(cache.kept().len() <= MOST);
        assert!(cache.get(&question(&(3 * MOST - 1).to_string(), 1), now).is_some(), "the last one is there");
    }
}
