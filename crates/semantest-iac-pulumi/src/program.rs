//! The program: what its arguments ask for.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::server;

/// Arguments with which the local provider runs this program again, as its background host; the project's folder follows.
pub(crate) const HOST: [&str; 3] = ["local", "host", "--project"];

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Be the local host of this project.
    Host(OsString),
    /// Say which version this is.
    Version,
    /// Serve Pulumi's engine, which listens at this address where it is given.
    Serve(Option<String>),
}

/// Runs the program with `arguments` (its name first): serves Pulumi's engine until it has no more use for it.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let asked = read(&arguments.into_iter().skip(1).collect::<Vec<_>>());
    if asked == Asked::Version {
        println!("{}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the program cannot start: {error}")),
    };
    let done = runtime.block_on(async {
        match asked {
            Asked::Host(project) => {
                let done = semantest_iac::run_local_host(Path::new(&project)).await;
                done.map_err(|error| error.to_record().message)
            }
            Asked::Serve(engine) => server::serve(engine).await.map_err(|error| error.to_string()),
            Asked::Version => Ok(()),
        }
    });
    // What never answered must not keep the program.
    runtime.shutdown_background();
    done.map_or_else(|text| fail(&text), |()| ExitCode::SUCCESS)
}

/// Pulumi hands over options that are meant for plugins in Go, and the engine's address last.
fn read(arguments: &[OsString]) -> Asked {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    if let ([.., project], true) = (arguments, texts.starts_with(&HOST)) {
        return Asked::Host(project.clone());
    }
    if texts == ["--version"] {
        return Asked::Version;
    }
    let address = texts.into_iter().rfind(|text| !text.starts_with('-'));
    Asked::Serve(address.filter(|text| text.contains(':')).map(str::to_owned))
}

fn fail(text: &str) -> ExitCode {
    eprintln!("pulumi-resource-semantest: {text}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Asked {
        read(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_engines_address_is_found_behind_options_that_are_not_for_us() {
        let address = Some("127.0.0.1:4711".to_owned());
        assert_eq!(asked(&["127.0.0.1:4711"]), Asked::Serve(address.clone()));
        let all = ["--logtostderr", "-v=9", "--tracing", "http://127.0.0.1:9411", "127.0.0.1:4711"];
        assert_eq!(asked(&all), Asked::Serve(address));
        assert_eq!(asked(&[]), Asked::Serve(None));
    }

    #[test]
    fn the_local_host_is_the_same_program() {
        assert_eq!(asked(&["local", "host", "--project", "/p"]), Asked::Host("/p".into()));
    }
}
