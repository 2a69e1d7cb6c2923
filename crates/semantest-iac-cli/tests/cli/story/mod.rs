//! Tells a story to the facade.

mod calls;
pub mod pattern;

use std::path::{Path, PathBuf};

use pattern::{Saved, differs};
use semantest_iac::Iac;
use serde_json::{Value, json};

use crate::program::{files, get};

/// What is wrong, where something is.
type Wrong = Option<String>;

/// A story, its folder, and what has happened in it so far.
pub struct Teller<'a> {
    story: &'a Value,
    folder: tempfile::TempDir,
    iac: Option<Iac>,
    position: u64,
    endpoint: String,
    saved: Saved,
    seen: String,
}

/// How a call ended: the answer, and the error. A run that failed has both.
#[derive(Default)]
struct Ended {
    answer: Value,
    error: Value,
}

impl<'a> Teller<'a> {
    pub fn new(told: &Value, story: &'a Value) -> Self {
        let teller = Self {
            story,
            folder: tempfile::tempdir().expect("a folder"),
            iac: None,
            position: 0,
            endpoint: String::new(),
            saved: Saved::new(),
            seen: String::new(),
        };
        let project = &told["projects"][story["project"].as_str().expect("a project")];
        for files in [project, &story["files"]].into_iter().filter_map(Value::as_object) {
            files.iter().for_each(|(path, lines)| teller.write(path, lines));
        }
        teller
    }

    pub fn tell(mut self) -> Result<(), String> {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let told = self.steps().await;
            self.iac = None;
            let stopped = self.stop_host().await;
            told?;
            stopped.map_err(|error| error.to_string())
        })?;
        self.absent()
    }

    async fn steps(&mut self) -> Result<(), String> {
        for (number, step) in self.story["steps"].as_array().expect("steps").iter().enumerate() {
            let wrong = self.step(step).await;
            wrong.map_or(Ok(()), |wrong| Err(format!("step {} ({}): {wrong}", number + 1, step["do"])))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Value) -> Wrong {
        let given = self.filled(step.get("with").unwrap_or(&json!({})));
        let ended = match self.call(step["do"].as_str().expect("text"), given).await {
            Ok(answer) => Ended::of(answer),
            Err(error) => Ended { error: json!(error.to_record()), ..Ended::default() },
        };
        let recorded = self.recorded().await;
        self.seen.push_str(&format!("{}\n{}\n{}\n", ended.answer, ended.error, json!(recorded)));
        let ran = ended.answer.get("result").unwrap_or(&ended.answer);
        if let Some(endpoint) = ran["endpoint"].as_str() {
            self.endpoint = endpoint.to_owned();
        }
        let wrong = self.wrong_end(step, &ended).or_else(|| self.wrong_record(step, recorded));
        wrong.or_else(|| self.wrong_get(step.get("get")?))
    }

    fn wrong_end(&mut self, step: &Value, ended: &Ended) -> Wrong {
        let wrong = match (step.get("error"), ended.error.is_null()) {
            (None, true) => None,
            (None, false) => Some(format!("it ended with {}", ended.error)),
            (Some(wanted), true) => Some(format!("it ended with {}, not {wanted}", ended.answer)),
            (Some(wanted), false) => {
                let mut wanted = wanted.clone();
                if let Some(words) = wanted.as_object_mut().and_then(|map| map.remove("message_contains")) {
                    wanted["message"] = json!({ "$contains": words });
                }
                differs(&wanted, &ended.error, &mut self.saved, "error")
            }
        };
        wrong.or_else(|| differs(step.get("expect")?, &ended.answer, &mut self.saved, "answer"))
    }

    fn wrong_record(&mut self, step: &Value, recorded: Vec<Value>) -> Wrong {
        let names: Vec<&str> = recorded.iter().map(name_of).collect();
        let (in_order, any_order) = (step.get("recorded"), step.get("recorded_in_any_order"));
        if let Some(wanted) = in_order.or(any_order).and_then(Value::as_array) {
            let mut left: Vec<&Value> = recorded.iter().collect();
            for one in wanted {
                let among = if in_order.is_some() { left.len().min(1) } else { left.len() };
                let looks: Vec<Wrong> =
                    left[..among].iter().map(|event| is_not(one, event, &mut self.saved)).collect();
                match looks.iter().position(Option::is_none) {
                    Some(place) => drop(left.remove(place)),
                    None => {
                        let why = looks.into_iter().flatten().next().unwrap_or_default();
                        return Some(format!("{one} was not recorded: {why}; of {names:?}"));
                    }
                }
            }
            if let Some(surplus) = left.first() {
                return Some(format!("{} was recorded as well; of {names:?}", name_of(surplus)));
            }
        }
        let each = step.get("each_recorded")?;
        recorded.iter().find_map(|event| differs(each, event, &mut self.saved, name_of(event)))
    }

    fn wrong_get(&mut self, wanted: &Value) -> Wrong {
        let mut pattern = wanted.clone();
        let path = pattern.as_object_mut().and_then(|map| map.remove("path")).expect("a path");
        let (status, body) = get(&self.endpoint, path.as_str().expect("text"));
        let data: Value = serde_json::from_str(&body).unwrap_or_default();
        let got = json!({ "status": status, "body": body, "json": data });
        differs(&pattern, &got, &mut self.saved, "the response")
    }

    /// `{"$saved": name}` stands for what was saved, in arguments too.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(map) => match map.get("$saved").and_then(Value::as_str) {
                Some(name) => self.saved[name].clone(),
                None => map.iter().map(|(key, item)| (key.clone(), self.filled(item))).collect(),
            },
            other => other.clone(),
        }
    }

    /// Nothing that was said, and nothing that is kept, holds what must not be there.
    fn absent(&self) -> Result<(), String> {
        for text in self.story["absent"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if self.seen.contains(text) {
                return Err(format!("{text} was said"));
            }
            for file in files(self.folder.path()) {
                let bytes = std::fs::read(&file).expect("a file");
                if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                    return Err(format!("{text} is in {}", file.display()));
                }
            }
        }
        Ok(())
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, lines: &Value) {
        let lines = lines.as_array().expect("lines").iter();
        let text: String = lines.map(|line| format!("{}\n", line.as_str().expect("text"))).collect();
        let file = self.file(path);
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }
}

impl Ended {
    /// A run that failed is an answer here, and an exception elsewhere.
    fn of(answer: Value) -> Self {
        let ran = answer.get("result").unwrap_or(&answer);
        match ran["status"] == "failed" && ran["error"].is_object() {
            true => Self { error: ran["error"].clone(), answer: ran.clone() },
            false => Self { answer, error: Value::Null },
        }
    }
}

fn name_of(event: &Value) -> &str {
    event["type"].as_str().and_then(|name| name.rsplit('.').next()).unwrap_or_default()
}

fn is_not(wanted: &Value, event: &Value, saved: &mut Saved) -> Wrong {
    let name = wanted.as_str().or(wanted["event"].as_str()).unwrap_or_default();
    if name != name_of(event) {
        return Some(format!("{} was", name_of(event)));
    }
    differs(wanted.get("is")?, event, saved, name)
}
