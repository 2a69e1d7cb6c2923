//! The plans that functions run on: what each has and has not.

use std::collections::BTreeSet;

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::{Error, ErrorKind, Result};

/// Memory of an instance on Flex Consumption, in MiB.
///
/// Source: Azure Functions documentation, "Flex Consumption plan: instance sizes".
const FLEX_MEMORY: [u32; 3] = [512, 2048, 4096];

/// On Flex Consumption the most instances can be no less, and no more.
const FLEX_INSTANCES: std::ops::RangeInclusive<u32> = 40..=1000;

/// The most instances that an app on Consumption can be held to.
const CONSUMPTION_INSTANCES: u32 = 200;

/// Longest time limit on Consumption, in seconds.
///
/// Source: Azure Functions documentation, "Function app time-out duration".
pub(crate) const CONSUMPTION_TIMEOUT: u32 = 600;

/// How many instances run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instances {
    /// At most this many.
    pub most: Option<u32>,
    /// Always this many.
    pub ready: Option<u32>,
}

/// What Azure has of a plan.
pub(crate) trait Hosting: Copy {
    /// Name and tier of the plan's SKU.
    fn sku(self) -> (&'static str, &'static str);

    /// Memory of an instance for what the functions ask, in MiB, where that is a choice.
    ///
    /// # Errors
    /// `InvalidInput` where there is no such instance.
    fn memory_mb(self, functions: &[ServerlessFunction]) -> Result<Option<u32>>;

    /// How many instances run for what the functions ask: their limits are those of the app together.
    ///
    /// # Errors
    /// `InvalidInput` for what the plan cannot do.
    fn instances(self, functions: &[ServerlessFunction]) -> Result<Instances>;

    /// Checks what functions ask of the plan.
    ///
    /// # Errors
    /// `InvalidInput`, saying what to do.
    fn check(self, blueprint: &Blueprint) -> Result<()>;
}

impl Hosting for HostingPlan {
    fn sku(self) -> (&'static str, &'static str) {
        match self {
            Self::Consumption => ("Y1", "Dynamic"),
            Self::FlexConsumption => ("FC1", "FlexConsumption"),
            Self::Premium => ("EP1", "ElasticPremium"),
        }
    }

    fn memory_mb(self, functions: &[ServerlessFunction]) -> Result<Option<u32>> {
        let asked = functions.iter().map(|function| function.memory_mb.0).max().unwrap_or_default();
        let (name, most) = match self {
            Self::Consumption => ("Consumption plan", 1536),
            Self::FlexConsumption => ("Flex Consumption plan", 4096),
            Self::Premium => ("Premium plan (EP1)", 3584),
        };
        if asked > most {
            let text = format!(
                "memory_mb {asked} is more than an instance of the {name} has: {most} at most on Azure"
            );
            return Err(invalid("memory_mb", text));
        }
        let of_flex = FLEX_MEMORY.into_iter().find(|size| *size >= asked);
        Ok(of_flex.filter(|_| self == Self::FlexConsumption))
    }

    fn instances(self, functions: &[ServerlessFunction]) -> Result<Instances> {
        let limits: Option<Vec<u32>> =
            functions.iter().map(|function| function.scaling.reserved_concurrency).collect();
        let most = limits.filter(|limits| !limits.is_empty()).map(|limits| limits.iter().sum());
        let kept = functions.iter().filter_map(|function| function.scaling.provisioned_concurrency);
        let ready = kept.sum::<u32>();
        let ready = (ready > 0).then_some(ready);
        if functions.iter().any(|function| function.scaling.reserved_concurrency == Some(0)) {
            let text = "reserved_concurrency 0 holds a function back on AWS only; on Azure keep at least 1";
            return Err(invalid("reserved_concurrency", text.into()));
        }
        match (self, most, ready) {
            (Self::Consumption, _, Some(_)) => {
                let text = "provisioned_concurrency: a Consumption plan keeps nothing warm; set plan = \"flex-consumption\" or \"premium\"";
                Err(invalid("provisioned_concurrency", text.into()))
            }
            (Self::Consumption | Self::Premium, Some(most), _) if most > CONSUMPTION_INSTANCES => {
                let text = format!(
                    "reserved_concurrency {most} in all: an app can be held to {CONSUMPTION_INSTANCES} instances at most"
                );
                Err(invalid("reserved_concurrency", text))
            }
            (Self::FlexConsumption, Some(most), _) if !FLEX_INSTANCES.contains(&most) => {
                let text = format!(
                    "reserved_concurrency {most} in all: Flex Consumption takes {} to {} instances",
                    FLEX_INSTANCES.start(),
                    FLEX_INSTANCES.end()
                );
                Err(invalid("reserved_concurrency", text))
            }
            _ => Ok(Instances { most, ready }),
        }
    }

    fn check(self, blueprint: &Blueprint) -> Result<()> {
        let longest = blueprint.functions.iter().map(|function| function.timeout_s.0).max();
        if self == Self::Consumption && longest > Some(CONSUMPTION_TIMEOUT) {
            let text = format!(
                "timeout_s {}: {CONSUMPTION_TIMEOUT} at most on a Consumption plan; set plan = \"flex-consumption\" or \"premium\"",
                longest.unwrap_or_default()
            );
            return Err(invalid("timeout_s", text));
        }
        let runtimes: BTreeSet<&str> = blueprint.functions.iter().map(|one| one.runtime.as_str()).collect();
        if runtimes.len() > 1 {
            let all = runtimes.into_iter().collect::<Vec<_>>().join(", ");
            let text = format!(
                "the functions of one component run in one function app on Azure, which has one runtime; these have {all}: \
                 use one, or make components of them"
            );
            return Err(invalid("runtime", text));
        }
        Ok(())
    }
}

fn invalid(field: &str, text: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", field)
}
