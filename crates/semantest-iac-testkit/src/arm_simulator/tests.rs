use super::resource_types::{parent_of, type_of};

#[test]
fn ids_tell_their_type_and_what_they_are_in() {
    let container = "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a/blobservices/default/containers/c";
    assert_eq!(
        type_of(container).as_deref(),
        Some("microsoft.storage/storageaccounts/blobservices/containers")
    );
    assert_eq!(parent_of(container).as_deref(), container.strip_suffix("/containers/c"));
    let account = "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a";
    assert_eq!(parent_of(account).as_deref(), Some("/subscriptions/s/resourcegroups/g"));
    assert_eq!(parent_of("/subscriptions/s/resourcegroups/g"), None);
    assert_eq!(type_of("/subscriptions/s/providers/microsoft.web"), None);
}
