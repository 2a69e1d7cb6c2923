//! ARM's ids: `/subscriptions/<id>/resourceGroups/<name>/providers/<namespace>/<type>/<name>/…`. What is in them is told
//! apart by position; neither names nor types tell capital letters from small ones.

/// The value after `key` in an id: `resourceGroups` gives the group's name, `sites` that of the function app.
pub(crate) fn part<'a>(id: &'a str, key: &str) -> Option<&'a str> {
    let mut segments = id.split('/').skip(1);
    while let Some(segment) = segments.next() {
        let value = segments.next();
        if segment.eq_ignore_ascii_case(key) {
            return value.filter(|value| !value.is_empty());
        }
        // `providers/<namespace>` is followed by pairs again.
    }
    None
}

/// The subscription that an id is in.
pub(crate) fn subscription(id: &str) -> Option<&str> {
    part(id, "subscriptions")
}

/// The namespace of the resource provider that a path is served by: the last one named.
pub(crate) fn namespace(path: &str) -> Option<&str> {
    let segments: Vec<&str> = path.split(['?', '#']).next().unwrap_or_default().split('/').collect();
    let at = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"))?;
    segments.get(at + 1).copied().filter(|namespace| !namespace.is_empty())
}

/// What an id is the id of, without names: `Microsoft.Web/sites/config`; `resourceGroups` for a group.
pub(crate) fn arm_type(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let Some(at) = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers")) else {
        let last = segments.len().saturating_sub(1) / 2 * 2;
        return segments.get(last).copied().unwrap_or_default().to_owned();
    };
    let Some(namespace) = segments.get(at + 1) else { return "providers".into() };
    let types = segments.iter().skip(at + 2).step_by(2);
    types.fold((*namespace).to_owned(), |text, part| format!("{text}/{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app/config/web";

    #[test]
    fn an_id_tells_its_parts_and_what_it_is_of() {
        assert_eq!(part(SITE, "resourcegroups"), Some("g"));
        assert_eq!(part(SITE, "sites"), Some("app"));
        assert_eq!(part(SITE, "plans"), None);
        assert_eq!(subscription(SITE), Some("s"));
        assert_eq!(namespace(SITE), Some("Microsoft.Web"));
        assert_eq!(arm_type(SITE), "Microsoft.Web/sites/config");
        assert_eq!(arm_type("/subscriptions/s/resourceGroups/g?api-version=1"), "resourceGroups");
    }
}
