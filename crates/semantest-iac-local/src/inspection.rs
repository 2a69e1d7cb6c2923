//! What `dev --inspect` asks of the host, and what it answers: functions that debuggers may look into.
//!
//! An inspection lasts as long as the process that asked for it lives, or until that process ends it. Meanwhile each of
//! its functions has one worker, which listens for a debugger on loopback, and no time limits.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `PUT /inspection`: everything that is to be inspected from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inspect {
    /// Id of the process that the inspection ends with.
    pub process: u32,
    /// The port to begin with; absent: the one that the runtime's debuggers look for.
    #[serde(default)]
    pub port: Option<u16>,
    /// Whether workers wait, at their start, until a debugger has come.
    #[serde(default)]
    pub wait: bool,
    /// In the order in which they get their ports.
    pub functions: Vec<InspectFunction>,
}

/// A function to inspect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InspectFunction {
    /// Name of the function.
    pub name: String,
    /// The folder its package was made of. It runs there, so that breakpoints in it are hit; absent: where its package is
    /// unpacked.
    #[serde(default)]
    pub source: Option<PathBuf>,
}

/// What is inspected, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspecting {
    /// Where debuggers are let in.
    pub debuggers: Vec<Debugger>,
    /// Functions that run on as they did.
    pub refused: Vec<NotInspected>,
}

/// Where a debugger is let into a function, on 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debugger {
    /// Name of the function.
    pub function: String,
    /// What is spoken there.
    pub protocol: DebugProtocol,
    /// The port it listens on, also after it was started anew.
    pub port: u16,
    /// Whether it was not let in before.
    #[serde(default)]
    pub is_new: bool,
    /// Node.js: the WebSocket address of the worker that runs now, where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What debuggers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DebugProtocol {
    /// The inspector of Node.js (Chrome DevTools Protocol).
    NodeInspector,
    /// debugpy (Debug Adapter Protocol).
    Debugpy,
}

impl DebugProtocol {
    /// The port that its debuggers look for where they are told nothing.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::NodeInspector => 9229,
            Self::Debugpy => 5678,
        }
    }

    /// Its name, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::NodeInspector => "Node.js inspector",
            Self::Debugpy => "debugpy",
        }
    }
}

/// A function that no debugger can be let into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotInspected {
    /// Name of the function.
    pub function: String,
    /// Why, and what to do.
    pub why: String,
}
