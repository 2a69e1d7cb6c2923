//! Conformance of providers.

use std::collections::BTreeSet;

use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::{
    Change, ChangeAction, Operation, OwnershipTags, Provider, ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretValue};

/// A resource to try a provider on, with two versions of its inputs.
#[derive(serde::Deserialize)]
pub struct Sample {
    /// Whose it is.
    pub tags: OwnershipTags,
    /// Provider's word for what it is.
    pub kind: String,
    /// Inputs, references substituted.
    pub inputs: Properties,
    /// Other inputs of the same resource, reachable in place.
    pub updated: Properties,
}

impl Sample {
    fn change(&self, action: ChangeAction, inputs: &Properties) -> Change {
        let mut secrets = ResolvedSecrets::default();
        secrets.insert("memory:canary", SecretValue::new("canary-of-the-testkit"));
        Change {
            action,
            resource: ResourceHandle {
                tags: self.tags.clone(),
                kind: self.kind.clone(),
                inputs: inputs.clone(),
                id: None,
                outputs: Properties::new(),
            },
            previous_inputs: None,
            changed: BTreeSet::new(),
            secrets,
        }
    }
}

fn operation(id: &str) -> Operation {
    Operation { id: id.to_owned(), attempt: 1 }
}

/// The suite: the life of one resource, every operation repeated. Nothing of the sample is there before, and
/// nothing after.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(provider: &dyn Provider, sample: &Sample) {
    let create = sample.change(ChangeAction::Create, &sample.inputs);
    assert!(!format!("{create:?}").contains("canary-of-the-testkit"), "a change never shows a secret");
    let seen = provider.observe(&create.resource).await.expect("observe");
    assert_eq!(seen, None, "what is not there is nothing");

    let applied = provider.apply(&create, &operation("1")).await.expect("create");
    assert!(!applied.adopted, "it was not there before");
    let again = provider.apply(&create, &operation("1")).await.expect("create, the answer having been lost");
    assert_eq!(
        (&again.id, &again.outputs),
        (&applied.id, &applied.outputs),
        "a repeated create finds its own"
    );
    let seen = provider.observe(&create.resource).await.expect("observe").expect("it is there");
    assert_eq!(seen.id, applied.id);
    assert_same(&seen.inputs, &sample.inputs);

    let scope = Scope {
        project: sample.tags.project.clone(),
        environment: sample.tags.environment.clone(),
        component: Some(sample.tags.component.clone()),
        region: None,
    };
    let found = provider.discover(&scope).await.expect("discover");
    assert!(found.iter().any(|found| found.tags == sample.tags && found.id == applied.id), "{found:?}");
    let elsewhere = Scope { environment: "elsewhere".into(), ..scope.clone() };
    assert!(provider.discover(&elsewhere).await.expect("discover").is_empty(), "only in the scope");

    let mut update = sample.change(ChangeAction::Update, &sample.updated);
    update.resource.id = Some(applied.id.clone());
    update.resource.outputs = applied.outputs.clone();
    update.previous_inputs = Some(sample.inputs.clone());
    update.changed = sample.updated.keys().cloned().collect();
    for _ in 0..2 {
        let updated = provider.apply(&update, &operation("2")).await.expect("update");
        assert_eq!(updated.id, applied.id, "an update in place keeps the id");
    }
    let seen = provider.observe(&update.resource).await.expect("observe").expect("it is there");
    assert_same(&seen.inputs, &sample.updated);

    let mut foreign = sample.change(ChangeAction::Create, &sample.inputs);
    foreign.resource.tags.component = "somebody-elses".into();
    let refused = provider.apply(&foreign, &operation("3")).await.expect_err("it is not theirs");
    assert_eq!(refused.kind(), semantest_iac_core::ErrorKind::AlreadyExists, "{refused:?}");
    assert_eq!(provider.observe(&foreign.resource).await.expect("observe"), None, "not theirs");
    let seen = provider.observe(&update.resource).await.expect("observe").expect("still there");
    assert_same(&seen.inputs, &sample.updated);

    for _ in 0..2 {
        provider.delete(&update.resource, &operation("4")).await.expect("gone, also if it was gone before");
    }
    assert_eq!(provider.observe(&update.resource).await.expect("observe"), None);
    assert!(provider.discover(&scope).await.expect("discover").is_empty(), "nothing is left");
    goes_by_its_id(provider, sample, &scope).await;
}

/// An orphan can be taken away: nothing is known of it but its tags, its id and perhaps its region.
async fn goes_by_its_id(provider: &dyn Provider, sample: &Sample, scope: &Scope) {
    let create = sample.change(ChangeAction::Create, &sample.inputs);
    let applied = provider.apply(&create, &operation("5")).await.expect("create");
    let region = sample.inputs.get("region").map(|region| ("region".to_owned(), region.clone()));
    let handle =
        ResourceHandle { inputs: region.into_iter().collect(), id: Some(applied.id), ..create.resource };
    for _ in 0..2 {
        provider.delete(&handle, &operation("6")).await.expect("gone, also if it was gone before");
    }
    assert!(provider.discover(scope).await.expect("discover").is_empty(), "nothing is left of an orphan");
}

/// What can be observed is as asked.
fn assert_same(observed: &Properties, wanted: &Properties) {
    for (key, value) in observed {
        if let Some(wanted) = wanted.get(key) {
            assert_eq!(value, wanted, "{key}");
        }
    }
    assert!(observed.keys().any(|key| wanted.contains_key(key)), "something can be observed");
}
