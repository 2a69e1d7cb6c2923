//! What goes wrong with Pulumi, as errors of the core.

use std::io;
use std::path::Path;

use semantest_iac_core::{Error, ErrorKind};

/// A file or folder could not be used.
pub(crate) fn disk(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` could not be used", path.display());
    Error::new(ErrorKind::Storage, "pulumi.file", text).with("path", path.display()).caused_by(error)
}

/// There is no `pulumi`, or it does not start.
pub(crate) fn no_pulumi(error: io::Error) -> Error {
    let text = "`pulumi` could not be started: install Pulumi's command line (version 3) and see to it that `pulumi version` \
                works";
    Error::new(ErrorKind::Unsupported, "pulumi.start", text).caused_by(error)
}

/// A command of `pulumi` failed; `said` is what it said.
pub(crate) fn failed(verb: &str, stack: &str, said: &str) -> Error {
    let said = match plain(said) {
        said if said.is_empty() => "it did not say why".to_owned(),
        said => said,
    };
    let text = format!("`pulumi {verb}` of stack `{stack}` failed: {said}");
    Error::new(kind(&said), format!("pulumi.{verb}"), text).with("stack", stack)
}

/// The stack is not this deployment's.
pub(crate) fn foreign(stack: &str, owner: &str) -> Error {
    let text = format!(
        "stack `{stack}` is that of the deployment `{owner}`: name another `stack`, or take that deployment away first"
    );
    Error::new(ErrorKind::AlreadyExists, "pulumi.stack", text).with("stack", stack)
}

/// What a command of `pulumi` says, without what only decorates it.
pub(crate) fn plain(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.map(|line| line.strip_prefix("error: ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("; ")
}

fn kind(said: &str) -> ErrorKind {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match said {
        _ if has(&["currently locked", "[409]", "another update is currently in progress"]) => {
            ErrorKind::Held
        }
        _ if has(&[
            "PULUMI_ACCESS_TOKEN",
            "pulumi login",
            "passphrase must be set",
            "incorrect passphrase",
        ]) =>
        {
            ErrorKind::Unauthenticated
        }
        _ => ErrorKind::Provider,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pulumi_says_is_said_without_its_decoration() {
        let error = failed("up", "dev", "error: the program failed\n\n  on line 3\n");
        assert!(error.message().ends_with("failed: the program failed; on line 3"), "{error}");
        assert_eq!(failed("up", "dev", "  \n").kind(), ErrorKind::Provider);
        let locked = failed("up", "dev", "error: the stack is currently locked by 1 lock(s).");
        assert_eq!(locked.kind(), ErrorKind::Held);
    }
}
