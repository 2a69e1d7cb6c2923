//! Orphans as people read them.

use std::fmt::Write;

use semantest_iac::{DiscoverAnswer, Place};

/// What is in a cloud and not in the log, by deployment.
pub(crate) fn orphans(found: &DiscoverAnswer) -> String {
    let looked: Vec<String> = found.places.iter().map(place).collect();
    let looked = format!("{} on {}", found.environment, looked.join(", "));
    if found.orphans.is_empty() {
        return format!("no orphans: everything with this project's tags in {looked} is in the log");
    }
    let (mut out, mut heading) = (String::new(), String::new());
    for orphan in &found.orphans {
        let of = format!("{} on {}", orphan.deployment, place(&orphan.place));
        if of != heading {
            let _ = writeln!(out, "{of}");
            heading = of;
        }
        let _ = writeln!(out, "  - {} {} {}", orphan.kind, orphan.address, orphan.id);
    }
    let count = found.orphans.len();
    let (many, them) = if count == 1 { ("orphan", "it") } else { ("orphans", "them") };
    let _ = write!(out, "{count} {many}: not in this log; `destroy --orphans` takes {them} away");
    out
}

fn place(place: &Place) -> String {
    let region = place.region.as_deref().map(|region| format!(" ({region})")).unwrap_or_default();
    format!("{}{region}", place.provider)
}
