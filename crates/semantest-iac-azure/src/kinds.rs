//! Every kind of resource there is on Azure.

use crate::resource_kind::ResourceKind;

/// All of them.
pub(crate) const KINDS: &[&dyn ResourceKind] = &[];
