//! POSTs: keys, settings, triggers.

use serde_json::{Value, json};

use super::outputs::uuid_of;
use super::reply::Reply;
use super::resource_types::type_of;
use super::{STORAGE_KEY, State};

impl State {
    /// The answer to `POST <id>/<action>`, where there is such an action.
    pub(super) fn act(&mut self, path: &str) -> Option<Reply> {
        let key = path.to_ascii_lowercase();
        let segments: Vec<&str> = key.split('/').filter(|part| !part.is_empty()).collect();
        if let ["subscriptions", _, "providers", namespace, "register"] = segments.as_slice() {
            return self.register(namespace);
        }
        let (id, action) = ACTIONS.iter().find_map(|action| Some((key.strip_suffix(action)?, *action)))?;
        let kind = type_of(id)?;
        let Some(resource) = self.resources.get(id) else {
            return Some(Reply::error(
                404,
                "ResourceNotFound",
                &format!("The Resource '{id}' was not found."),
            ));
        };
        let name = resource["name"].as_str().unwrap_or_default();
        Some(match (kind.as_str(), action) {
            ("microsoft.storage/storageaccounts", "/listkeys") => {
                let key =
                    |name: &str| json!({ "keyName": name, "value": STORAGE_KEY, "permissions": "Full" });
                Reply::new(200, json!({ "keys": [key("key1"), key("key2")] }))
            }
            ("microsoft.signalrservice/webpubsub", "/listkeys") => {
                let key = uuid_of(&format!("key of {name}")).replace('-', "");
                let connection =
                    format!("Endpoint=https://{name}.webpubsub.azure.com;AccessKey={key};Version=1.0;");
                Reply::new(
                    200,
                    json!({
                        "primaryKey": key, "secondaryKey": key, "primaryConnectionString": connection,
                        "secondaryConnectionString": connection,
                    }),
                )
            }
            ("microsoft.operationalinsights/workspaces", "/sharedkeys") => {
                let key = uuid_of(&format!("key of {name}"));
                Reply::new(200, json!({ "primarySharedKey": key, "secondarySharedKey": key }))
            }
            ("microsoft.web/sites", "/config/appsettings/list") => {
                let id = resource["id"].as_str().unwrap_or_default().to_owned();
                let none = json!({
                    "id": format!("{id}/config/appsettings"), "name": "appsettings", "type": "Microsoft.Web/sites/config",
                    "properties": {},
                });
                let settings = self.documents.get(&format!("{}/config/appsettings", id.to_ascii_lowercase()));
                Reply::new(200, settings.cloned().unwrap_or(none))
            }
            ("microsoft.web/sites", "/host/default/listkeys") => {
                let key = uuid_of(&format!("host key of {name}"));
                Reply::new(
                    200,
                    json!({ "masterKey": key, "functionKeys": { "default": key }, "systemKeys": {} }),
                )
            }
            ("microsoft.web/sites", "/syncfunctiontriggers" | "/host/default/sync") => Reply::empty(204),
            ("microsoft.web/sites", "/restart") => Reply::empty(200),
            ("microsoft.app/containerapps", "/listsecrets") => {
                let secrets = resource.pointer("/properties/configuration/secrets").cloned();
                Reply::new(200, json!({ "value": secrets.unwrap_or_else(|| Value::Array(Vec::new())) }))
            }
            _ => return None,
        })
    }
}

/// Of two that a path may end with, the longer one first.
const ACTIONS: [&str; 8] = [
    "/host/default/listkeys",
    "/listkeys",
    "/sharedkeys",
    "/config/appsettings/list",
    "/host/default/sync",
    "/syncfunctiontriggers",
    "/restart",
    "/listsecrets",
];
