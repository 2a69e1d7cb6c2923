//! Runtimes of functions, and what Azure calls them.

use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::{Error, ErrorKind, Result};

/// A runtime as Azure knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionRuntime {
    /// `FUNCTIONS_WORKER_RUNTIME`: `node`, `python`, `custom`.
    pub worker: &'static str,
    /// `20`, `3.12`; nothing for programs that bring all they need.
    pub version: String,
}

/// Versions that Azure runs, and those of them that run on Consumption.
///
/// Source: Azure Functions documentation, "Supported languages" and "Linux Consumption plan".
const NODE: (&[&str], &[&str]) = (&["18", "20", "22", "24"], &["18", "20", "22"]);
const PYTHON: (&[&str], &[&str]) =
    (&["3.9", "3.10", "3.11", "3.12", "3.13"], &["3.9", "3.10", "3.11", "3.12"]);

impl FunctionRuntime {
    /// What Azure calls `runtime` (`nodejs20.x`) on a plan of that kind.
    ///
    /// # Errors
    /// `InvalidInput` for what it does not run, with what it does.
    pub fn of(runtime: &str, hosting: HostingPlan) -> Result<Self> {
        if runtime.starts_with("provided.") {
            return Ok(Self { worker: "custom", version: String::new() });
        }
        let node = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x"));
        let python = runtime.strip_prefix("python");
        let (worker, version, (all, of_consumption)) = match (node, python) {
            (Some(version), _) => ("node", version, NODE),
            (_, Some(version)) => ("python", version, PYTHON),
            _ => return Err(unknown(runtime, NODE.0, PYTHON.0)),
        };
        if !all.contains(&version) {
            return Err(unknown(runtime, NODE.0, PYTHON.0));
        }
        if hosting == HostingPlan::Consumption && !of_consumption.contains(&version) {
            let text = format!(
                "a Consumption plan does not run `{runtime}`: use an older one, or plan = \"flex-consumption\""
            );
            return Err(Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", "runtime"));
        }
        Ok(Self { worker, version: version.to_owned() })
    }

    /// `linuxFxVersion` of a site: `NODE|20`. What serves programs that bring all they need runs on Node.
    pub fn linux_fx_version(&self) -> String {
        match self.worker {
            "custom" => "NODE|20".into(),
            worker => format!("{}|{}", worker.to_uppercase(), self.version),
        }
    }
}

fn unknown(runtime: &str, node: &[&str], python: &[&str]) -> Error {
    let node: Vec<String> = node.iter().map(|version| format!("nodejs{version}.x")).collect();
    let python: Vec<String> = python.iter().map(|version| format!("python{version}")).collect();
    let text = format!(
        "runtime `{}` does not run on Azure; {}, {} and provided.* do",
        runtime.escape_debug(),
        node.join(", "),
        python.join(", ")
    );
    Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", "runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_called_as_azure_calls_them() {
        for (runtime, worker, fx) in [
            ("nodejs20.x", "node", "NODE|20"),
            ("python3.12", "python", "PYTHON|3.12"),
            ("provided.al2023", "custom", "NODE|20"),
        ] {
            let found = FunctionRuntime::of(runtime, HostingPlan::Consumption).expect(runtime);
            assert_eq!((found.worker, found.linux_fx_version().as_str()), (worker, fx));
        }
        FunctionRuntime::of("python3.13", HostingPlan::Consumption).expect_err("not on Consumption");
        FunctionRuntime::of("python3.13", HostingPlan::FlexConsumption).expect("on Flex Consumption");
        let refused = FunctionRuntime::of("java21", HostingPlan::Premium).expect_err("no shim for it");
        assert!(refused.message().contains("nodejs20.x"), "{refused}");
    }
}
