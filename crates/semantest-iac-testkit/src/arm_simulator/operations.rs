//! What has been accepted and is not done yet.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::reply::Reply;
use super::resource_types::Style;
use super::{Delay, State};

/// Something that is being done with a resource.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The resource's id in small letters.
    pub target: String,
    /// What there is afterwards; nothing for a deletion.
    pub result: Option<Value>,
    left: u32,
    ready: Option<Instant>,
    /// How it ends otherwise: status, code, message.
    pub ends: Option<(String, String, String)>,
    /// For so many looks it is not known.
    unknown: u32,
    /// Over, and how.
    over: Option<&'static str>,
}

impl State {
    /// Whether something is being done with `target`.
    pub(super) fn is_busy(&self, target: &str) -> bool {
        self.pending.values().any(|one| one.over.is_none() && one.target == target)
    }

    /// Begins an operation and gives its name.
    pub(super) fn begin(
        &mut self,
        target: &str,
        result: Option<Value>,
        ends: Option<(String, String, String)>,
        unknown: u32,
    ) -> String {
        let name = format!("op-{:06}", self.next_operation);
        self.next_operation += 1;
        let (left, ready) = match self.delay {
            Delay::None => (1, None),
            Delay::Polls(polls) => (polls.max(1), None),
            Delay::Time(time) => (0, Some(Instant::now() + time)),
        };
        let target = target.to_owned();
        self.pending.insert(name.clone(), Pending { target, result, left, ready, ends, unknown, over: None });
        name
    }

    /// Looks at everything that is done with `target`: each look brings it nearer to its end.
    pub(super) fn look_at(&mut self, target: &str) {
        let names: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, one)| one.target == target)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.look(&name);
        }
    }

    /// One look at an operation.
    fn look(&mut self, name: &str) {
        let Some(one) = self.pending.get_mut(name) else { return };
        if one.over.is_some() {
            return;
        }
        one.left = one.left.saturating_sub(1);
        if one.left > 0 || one.ready.is_some_and(|ready| Instant::now() < ready) {
            return;
        }
        let (target, result, ends) = (one.target.clone(), one.result.take(), one.ends.clone());
        one.over = Some(if ends.is_some() { "Failed" } else { "Succeeded" });
        match (ends, result) {
            (Some((status, code, message)), _) => self.came_to_nothing(&target, &status, &code, &message),
            (None, Some(resource)) => drop(self.resources.insert(target, resource)),
            (None, None) => self.remove_tree(&target),
        }
    }

    /// What could not be made stays there, and says so.
    fn came_to_nothing(&mut self, target: &str, status: &str, code: &str, message: &str) {
        if let Some(resource) = self.resources.get_mut(target)
            && resource.pointer("/properties/provisioningState").is_some()
        {
            resource["properties"]["provisioningState"] = status.into();
            let _ = (code, message);
        }
    }

    /// The answer at an operation's place (`operationStatuses`).
    pub(super) fn status_of(&mut self, name: &str, path: &str) -> Reply {
        if let Some(unknown) = self.unknown(name) {
            return unknown;
        }
        self.look(name);
        let Some(one) = self.pending.get(name) else { return no_operation(name) };
        let id = path.to_owned();
        match (&one.over, &one.ends) {
            (None, _) => Reply::new(200, json!({ "id": id, "name": name, "status": "InProgress" })),
            (Some(_), Some((status, code, message))) => {
                let error = json!({ "code": code, "message": message });
                Reply::new(200, json!({ "id": id, "name": name, "status": status, "error": error }))
            }
            (Some(_), None) => Reply::new(200, json!({ "id": id, "name": name, "status": "Succeeded" })),
        }
    }

    /// The answer at an operation's result (`operationResults`).
    pub(super) fn result_of(&mut self, name: &str) -> Reply {
        if let Some(unknown) = self.unknown(name) {
            return unknown;
        }
        self.look(name);
        let Some(one) = self.pending.get(name) else { return no_operation(name) };
        match (&one.over, &one.ends) {
            (None, _) => Reply::empty(202),
            (Some(_), Some((_, code, message))) => Reply::error(409, code, message),
            (Some(_), None) => match self.resources.get(&one.target) {
                Some(resource) => Reply::new(200, resource.clone()),
                None => Reply::empty(204),
            },
        }
    }

    fn unknown(&mut self, name: &str) -> Option<Reply> {
        let one = self.pending.get_mut(name)?;
        one.unknown = one.unknown.checked_sub(1)?;
        Some(no_operation(name))
    }

    /// The headers by which an accepted change is looked at.
    pub(super) fn watched(&self, reply: Reply, style: Style, name: &str, place: &str) -> Reply {
        let status = format!("{place}/operationStatuses/{name}?api-version=2024-03-01");
        let result = format!("{place}/operationResults/{name}?api-version=2024-03-01");
        let reply = match style {
            Style::AtOnce | Style::State(_) => reply,
            Style::Operation => reply.with("azure-asyncoperation", status),
            Style::Location { .. } => reply.with("location", result),
            Style::Both => reply.with("azure-asyncoperation", status).with("location", result),
        };
        // Seconds are too coarse for a test.
        match self.delay {
            Delay::Time(time) if time > Duration::from_secs(60) => reply.with("retry-after", "10"),
            _ => reply,
        }
    }
}

fn no_operation(name: &str) -> Reply {
    Reply::error(404, "OperationNotFound", &format!("The operation '{name}' was not found."))
}
