//! A container service's resources.

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::{Error, ErrorKind, Result};

pub(crate) fn lower(
    _blueprint: &Blueprint,
    _service: &ContainerService,
    _region: &str,
) -> Result<ResourceGraph> {
    Err(Error::new(ErrorKind::Unsupported, "aws.lower", "container services on `aws` are being built"))
}
