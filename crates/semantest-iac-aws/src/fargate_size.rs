//! The sizes of a container that Fargate has.
//!
//! Source: Amazon ECS developer guide, "Task CPU and memory" of Fargate task definition parameters.

use semantest_iac_core::{Error, ErrorKind, Result};

/// CPU units (1024 are one CPU), and from, to and step of the memory they go with, in MiB. 512 goes with 256 only.
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

/// A size that Fargate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FargateSize {
    /// 1024 are one CPU.
    pub cpu_units: u32,
    pub memory_mb: u32,
}

/// The smallest size with at least as much of both.
///
/// # Errors
/// `InvalidInput` where there is none, with those there are.
pub(crate) fn fargate_size(cpu: f64, memory_mb: u32) -> Result<FargateSize> {
    let wanted = cpu * 1024.0;
    let enough = SIZES.iter().filter(|(units, ..)| f64::from(*units) >= wanted);
    for (cpu_units, least, most, step) in enough.copied() {
        if memory_mb <= least {
            return Ok(FargateSize { cpu_units, memory_mb: least });
        }
        // 256 begins below its first step.
        let memory_mb =
            if least < step { memory_mb.div_ceil(step) * step } else { up(memory_mb, least, step) };
        if memory_mb <= most {
            return Ok(FargateSize { cpu_units, memory_mb });
        }
    }
    let sizes = SIZES.iter().map(|(units, least, most, _)| {
        format!("cpu {} with memory_mb {least} to {most}", f64::from(*units) / 1024.0)
    });
    let text = format!(
        "Fargate has no size with cpu {cpu} and memory_mb {memory_mb}; it has {}",
        sizes.collect::<Vec<_>>().join(", ")
    );
    Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", "cpu"))
}

fn up(memory_mb: u32, least: u32, step: u32) -> u32 {
    least + (memory_mb - least).div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_up_to_one_that_fargate_has() {
        for (cpu, memory, wanted) in [
            (0.25, 512, (256, 512)),
            (0.25, 128, (256, 512)),
            (0.25, 600, (256, 1024)),
            (0.25, 2048, (256, 2048)),
            (0.25, 4096, (512, 4096)),
            (0.3, 512, (512, 1024)),
            (1.0, 2049, (1024, 3072)),
            (4.0, 30_721, (8192, 32_768)),
            (8.0, 16_385, (8192, 20_480)),
            (16.0, 122_880, (16_384, 122_880)),
        ] {
            let size = fargate_size(cpu, memory).expect("there is one");
            assert_eq!((size.cpu_units, size.memory_mb), wanted, "{cpu} {memory}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_with_what_there_is() {
        for (cpu, memory) in [(16.5, 512), (0.25, 122_881)] {
            let error = fargate_size(cpu, memory).expect_err("there is none");
            assert!(error.message().contains("cpu 0.25 with memory_mb 512 to 2048"), "{error}");
        }
    }
}
