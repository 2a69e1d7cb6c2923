//! What the simulator knows of each type of resource.

/// How a service says that it does something later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// It does not: the answer is final.
    AtOnce,
    /// The resource, with a `provisioningState`.
    State(&'static str),
    /// The resource and `Azure-AsyncOperation`.
    Operation,
    /// 202 and `Location`; a body where `with_body`.
    Location { with_body: bool },
    /// `Azure-AsyncOperation` and `Location`.
    Both,
}

/// A type of resource.
#[derive(Debug)]
pub(super) struct ResourceType {
    /// As Azure writes it.
    pub name: &'static str,
    pub apis: &'static [&'static str],
    /// Whether it stands in lists of resources, with location and tags.
    pub tracked: bool,
    /// Status of a creation.
    pub created: u16,
    pub put: Style,
    pub delete: Style,
    /// `provisioningState` once it is there; none where the type has no such property.
    pub done: Option<&'static str>,
    /// While it is being made.
    pub making: &'static str,
    /// Whether its name is unique in all of Azure.
    pub global: bool,
}

const fn resource(name: &'static str, apis: &'static [&'static str]) -> ResourceType {
    ResourceType {
        name,
        apis,
        tracked: true,
        created: 200,
        put: Style::AtOnce,
        delete: Style::AtOnce,
        done: Some("Succeeded"),
        making: "Creating",
        global: false,
    }
}

pub(super) const GROUP: &str = "Microsoft.Resources/resourceGroups";

/// Every type there is.
pub(super) static TYPES: [ResourceType; 14] = [
    ResourceType {
        created: 201,
        delete: Style::Location { with_body: false },
        tracked: false,
        ..resource(GROUP, &["2024-03-01"])
    },
    ResourceType {
        put: Style::Location { with_body: false },
        global: true,
        ..resource("Microsoft.Storage/storageAccounts", &["2023-05-01"])
    },
    ResourceType {
        tracked: false,
        done: None,
        ..resource("Microsoft.Storage/storageAccounts/blobServices", &["2023-05-01"])
    },
    ResourceType {
        tracked: false,
        created: 201,
        done: None,
        ..resource("Microsoft.Storage/storageAccounts/blobServices/containers", &["2023-05-01"])
    },
    ResourceType {
        created: 201,
        put: Style::State("ProvisioningAccount"),
        delete: Style::Location { with_body: false },
        ..resource("Microsoft.OperationalInsights/workspaces", &["2023-09-01", "2022-10-01"])
    },
    resource("Microsoft.Insights/components", &["2020-02-02"]),
    ResourceType {
        put: Style::Location { with_body: true },
        making: "InProgress",
        ..resource("Microsoft.Web/serverfarms", &["2023-12-01"])
    },
    ResourceType {
        put: Style::Operation,
        done: None,
        global: true,
        ..resource("Microsoft.Web/sites", &["2023-12-01"])
    },
    ResourceType { tracked: false, done: None, ..resource("Microsoft.Web/sites/config", &["2023-12-01"]) },
    // Deployments of packages to Flex Consumption.
    ResourceType {
        tracked: false,
        done: None,
        ..resource("Microsoft.Web/sites/extensions", &["2023-12-01"])
    },
    ResourceType {
        created: 201,
        put: Style::Both,
        delete: Style::Location { with_body: false },
        global: true,
        ..resource("Microsoft.SignalRService/webPubSub", &["2024-03-01"])
    },
    ResourceType {
        tracked: false,
        created: 201,
        put: Style::Both,
        delete: Style::Location { with_body: false },
        done: None,
        ..resource("Microsoft.SignalRService/webPubSub/hubs", &["2024-03-01"])
    },
    ResourceType {
        created: 201,
        put: Style::Operation,
        delete: Style::Location { with_body: false },
        making: "Waiting",
        ..resource("Microsoft.App/managedEnvironments", &["2024-03-01"])
    },
    ResourceType {
        created: 201,
        put: Style::Operation,
        delete: Style::Location { with_body: false },
        making: "InProgress",
        ..resource("Microsoft.App/containerApps", &["2024-03-01"])
    },
];

/// The type of that name, in any letters.
pub(super) fn named(name: &str) -> Option<&'static ResourceType> {
    TYPES.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}

/// The providers of all types.
pub(super) fn namespaces() -> impl Iterator<Item = &'static str> {
    TYPES.iter().filter_map(|one| one.name.split('/').next())
}

/// The type that an id is of, in small letters; nothing for what is no resource's id.
pub(super) fn type_of(id: &str) -> Option<String> {
    let segments: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        ["subscriptions", _, "resourcegroups", _] => Some(GROUP.to_ascii_lowercase()),
        ["subscriptions", _, "resourcegroups", _, "providers", namespace, rest @ ..]
            if !rest.is_empty() && rest.len() % 2 == 0 =>
        {
            let types = rest.iter().step_by(2);
            Some(types.fold((*namespace).to_owned(), |text, part| format!("{text}/{part}")))
        }
        _ => None,
    }
}

/// What an id is inside of: the parent resource, or the group.
pub(super) fn parent_of(id: &str) -> Option<String> {
    let segments: Vec<&str> = id.split('/').collect();
    match segments.len() {
        // "", subscriptions, s, resourcegroups, g
        0..=5 => None,
        // … providers, namespace, type, name
        6..=9 => Some(segments[..5].join("/")),
        longer => Some(segments[..longer - 2].join("/")),
    }
}
