//! given/when/then for the deployment aggregate.

use semantest_iac_core::domain::deployment::aggregate::Deployment;
use semantest_iac_core::domain::deployment::state::DeploymentState;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::{Error, Result};

/// A deployment with a past.
pub struct Given {
    deployment: Deployment,
    version: u64,
}

/// A deployment to which `events` have happened.
pub fn given(events: impl IntoIterator<Item = Event>) -> Given {
    let mut given = Given { deployment: Deployment::default(), version: 0 };
    events.into_iter().for_each(|event| given.happen(event));
    given
}

impl Given {
    fn happen(&mut self, data: Event) {
        self.version += 1;
        let time = Timestamp::from_second(i64::try_from(self.version).unwrap_or(0)).unwrap_or_default();
        self.deployment.evolve(&Envelope {
            id: format!("event-{}", self.version),
            source: "/testkit".into(),
            subject: "project/dev/component".into(),
            time,
            data,
            correlation_id: None,
            causation_id: None,
            previous_event_ids: Vec::new(),
            sequence: Some(self.version),
            traceparent: None,
        });
    }

    /// What the log says.
    pub fn state(&self) -> DeploymentState {
        self.deployment.state().clone()
    }

    /// Tries one more event.
    pub fn when(mut self, event: impl Into<Event>) -> When {
        let event = event.into();
        let decided = self.deployment.decide(&event);
        if decided.is_ok() {
            self.happen(event);
        }
        When { given: self, decided }
    }
}

/// What came of it.
pub struct When {
    given: Given,
    decided: Result<()>,
}

impl When {
    /// It was allowed: what the log says now.
    ///
    /// # Panics
    /// Where it was refused.
    pub fn then(self) -> DeploymentState {
        self.decided.expect("the event is allowed");
        self.given.deployment.state().clone()
    }

    /// It was refused: why.
    ///
    /// # Panics
    /// Where it was allowed.
    pub fn then_refused(self) -> Error {
        self.decided.expect_err("the event is refused")
    }
}
