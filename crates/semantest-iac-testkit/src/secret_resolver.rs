//! Conformance of secret resolvers.

use std::collections::BTreeSet;

use semantest_iac_core::ErrorKind;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};

/// Secrets to try a resolver on. Their references name no region.
#[derive(serde::Deserialize)]
pub struct Sample {
    /// Reference and value of a secret that is there. The value is long enough not to stand in other words.
    pub known: (String, String),
    /// Another one with another value.
    pub other: (String, String),
    /// The reference of one that is not there.
    pub unknown: String,
}

/// The suite.
///
/// # Panics
/// With the claim that does not hold. Not with a value: a broken resolver's secrets are secrets too.
pub async fn conforms(resolver: &dyn SecretResolver, sample: &Sample) {
    schemes_are_names(resolver, sample);
    what_is_there_is_resolved(resolver, sample).await;
    what_is_not_there_is_named(resolver, sample).await;
    values_are_not_shown(resolver, sample).await;
    digests_tell_values_apart(resolver, sample).await;
}

fn schemes_are_names(resolver: &dyn SecretResolver, sample: &Sample) {
    let schemes = resolver.schemes();
    assert!(!schemes.is_empty(), "it understands a scheme");
    for scheme in &schemes {
        check_name("a scheme", scheme)
            .unwrap_or_else(|error| panic!("a scheme is a lower-case name: {error}"));
    }
    assert_eq!(schemes.iter().collect::<BTreeSet<_>>().len(), schemes.len(), "each scheme once: {schemes:?}");
    for reference in [&sample.known.0, &sample.other.0, &sample.unknown] {
        let scheme = reference.split_once(':').map(|(scheme, _)| scheme.to_owned());
        assert!(scheme.is_some_and(|scheme| schemes.contains(&scheme)), "`{reference}` is of {schemes:?}");
    }
}

async fn what_is_there_is_resolved(resolver: &dyn SecretResolver, sample: &Sample) {
    for (reference, value) in [&sample.known, &sample.other, &sample.known] {
        let found = resolver.resolve(reference).await.expect("it is there");
        assert!(found.reveal() == value, "the value of `{reference}` is what it was set to");
        for region in [None, Some("eu-west-1")] {
            let found = resolver.resolve_in(reference, region).await.expect("it is there");
            assert!(
                found.reveal() == value,
                "`{reference}` in {region:?} is the same where it is kept in no region"
            );
        }
    }
}

async fn what_is_not_there_is_named(resolver: &dyn SecretResolver, sample: &Sample) {
    let of_nobody = format!("nobodys-scheme:{}", sample.unknown);
    for reference in [sample.unknown.as_str(), &of_nobody] {
        let error = resolver.resolve(reference).await.expect_err("it is not there");
        assert_eq!(error.kind(), ErrorKind::SecretUnresolved, "{error:?}");
        let said = format!("{error:?}");
        assert!(said.contains(reference), "an error names the reference `{reference}`: {said}");
        let shown = [&sample.known.1, &sample.other.1].into_iter().any(|value| said.contains(value.as_str()));
        assert!(!shown, "an error shows no value");
    }
}

async fn values_are_not_shown(resolver: &dyn SecretResolver, sample: &Sample) {
    let (reference, value) = &sample.known;
    let found = resolver.resolve(reference).await.expect("it is there");
    let mut resolved = ResolvedSecrets::default();
    resolved.insert(reference.clone(), found.clone());
    let printed = format!("{found:?} {resolved:?} {resolved:#?}");
    assert!(!printed.contains(value.as_str()), "what is printed for debugging shows no value");
}

async fn digests_tell_values_apart(resolver: &dyn SecretResolver, sample: &Sample) {
    let digest = async |value: &str| {
        let digest = resolver.digest(&SecretValue::new(value)).await.expect("a digest");
        assert!(!digest.is_empty() && digest.len() <= 256, "a digest is short: it is recorded");
        digest
    };
    let (known, other) = (digest(&sample.known.1).await, digest(&sample.other.1).await);
    assert!(digest(&sample.known.1).await == known, "a digest of the same value is the same");
    assert!(known != other, "digests of different values differ");
    assert!(digest("").await != known, "also that of an empty one");
    assert!(digest(&format!("{} ", sample.known.1)).await != known, "every letter counts");
    let shows =
        |digest: &str| [&sample.known.1, &sample.other.1].iter().any(|value| digest.contains(value.as_str()));
    assert!(!shows(&known) && !shows(&other), "a digest shows no value");
}
