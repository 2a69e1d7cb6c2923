//! The sizes of a container that Container Apps has: half a CPU takes one GiB, in quarters of a CPU, up to 4 CPUs.
//!
//! Source: Azure Container Apps documentation, "Containers: allocations".

use semantest_iac_core::{Error, ErrorKind, Result};

const LARGEST_QUARTERS: u32 = 16;
/// MiB that go with a quarter of a CPU.
const MEMORY_OF_QUARTER: u32 = 512;

/// A size that there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ContainerSize {
    quarters: u32,
}

impl ContainerSize {
    /// The smallest with at least as much of both.
    ///
    /// # Errors
    /// `InvalidInput` where there is none.
    pub fn at_least(cpu: f64, memory_mb: u32) -> Result<Self> {
        let for_memory = memory_mb.div_ceil(MEMORY_OF_QUARTER);
        let sizes = (1..=LARGEST_QUARTERS).map(|quarters| Self { quarters });
        let fits = |size: &Self| size.cpu() >= cpu && size.quarters >= for_memory;
        sizes.into_iter().find(fits).ok_or_else(|| {
            let text = format!(
                "Container Apps has no size with cpu {cpu} and memory_mb {memory_mb}; it has cpu 0.25 to 4, and 2048 MiB \
                 with each CPU"
            );
            Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", "cpu")
        })
    }

    /// CPUs.
    pub fn cpu(self) -> f64 {
        f64::from(self.quarters) / 4.0
    }

    /// Memory as Azure writes it: `0.5Gi`.
    pub fn memory(self) -> String {
        format!("{}Gi", f64::from(self.quarters) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_up_to_one_that_there_is() {
        for (cpu, memory, wanted) in [
            (0.25, 512, (0.25, "0.5Gi")),
            (0.25, 513, (0.5, "1Gi")),
            (0.3, 128, (0.5, "1Gi")),
            (1.0, 2048, (1.0, "2Gi")),
            (4.0, 8192, (4.0, "8Gi")),
        ] {
            let size = ContainerSize::at_least(cpu, memory).expect("there is one");
            assert_eq!((size.cpu(), size.memory().as_str()), wanted, "{cpu} {memory}");
        }
        ContainerSize::at_least(4.25, 512).expect_err("too large");
        ContainerSize::at_least(0.25, 8193).expect_err("too large");
    }
}
