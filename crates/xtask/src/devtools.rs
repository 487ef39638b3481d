//! A headless Chromium, driven through the DevTools protocol over a pair of pipes.

use crate::stage::Failure;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// No request to anyone, no question to the user, nothing kept.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// A running browser.
pub(crate) struct Browser {
    process: Child,
    requests: ChildStdin,
    answers: Receiver<Value>,
    last: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts `program` with a new profile in the folder `profile`.
    pub(crate) fn start(program: &Path, profile: &Path) -> Result<Self, Failure> {
        // The browser reads requests from descriptor 3 and answers on 4: a shell puts our two pipes there.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#]);
        command.arg(program).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start {}: {error}", program.display())))?;
        let (Some(requests), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Failure::new("the browser has no pipes"));
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { continue };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, requests, answers, last: 0, events: Vec::new() })
    }

    /// Opens an empty page of the given size.
    pub(crate) fn open(&mut self, width: u32, height: u32) -> Result<Page<'_>, Failure> {
        let target = self.call("", "Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("", "Target.attachToTarget", &attach)?;
        let session = session["sessionId"].as_str().unwrap_or_default().to_owned();
        let mut page = Page { browser: self, session, width };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, &json!({}))?;
        }
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        page.call("Emulation.setDeviceMetricsOverride", &size)?;
        page.browser.events.clear();
        Ok(page)
    }

    /// Calls a method and waits for its result; what else is heard meanwhile is kept.
    fn call(&mut self, session: &str, method: &str, parameters: &Value) -> Result<Value, Failure> {
        self.last += 1;
        let mut request = json!({ "id": self.last, "method": method, "params": parameters });
        if !session.is_empty() {
            request["sessionId"] = session.into();
        }
        let bytes = format!("{request}\0");
        let gone = |what: &str| Failure::new(format!("the browser {what} at {method}"));
        self.requests.write_all(bytes.as_bytes()).map_err(|_| gone("is gone"))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut message = self.answers.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => gone("does not answer"),
                RecvTimeoutError::Disconnected => gone("is gone"),
            })?;
            if message["id"] != self.last {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                return Err(gone(&format!("refuses ({})", message["error"]["message"])));
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call("", "Browser.close", &json!({}));
        let _ = self.process.wait();
    }
}

/// A page of the browser.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
    width: u32,
}

impl Page<'_> {
    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, Failure> {
        self.browser.call(&self.session, method, parameters)
    }

    /// Goes to an address, without waiting for what the page then does.
    pub(crate) fn go(&mut self, address: &str) -> Result<(), Failure> {
        let answer = self.call("Page.navigate", &json!({ "url": address }))?;
        match answer["errorText"].as_str() {
            None => Ok(()),
            Some(error) => Err(Failure::new(format!("{address}: {error}"))),
        }
    }

    /// The value of an expression in the page, which has to be a number, a text, a list or the like.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value, Failure> {
        let question = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", &question)?;
        match answer["exceptionDetails"].take() {
            Value::Null => Ok(answer["result"]["value"].take()),
            details => Err(Failure::new(format!("{expression}: {}", details["exception"]["description"]))),
        }
    }

    /// What the page has complained about: exceptions, and errors on its console or in the browser's log.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let events = self.browser.events.iter().filter(|event| event["sessionId"] == self.session.as_str());
        events.filter_map(complaint).collect()
    }

    /// The whole page as PNG pictures from top to bottom, each at most `tallest` pixels high.
    pub(crate) fn pictures(&mut self, tallest: u32) -> Result<Vec<Vec<u8>>, Failure> {
        let metrics = self.call("Page.getLayoutMetrics", &json!({}))?;
        let height = metrics["cssContentSize"]["height"].as_f64().unwrap_or(0.0).ceil() as u32;
        let mut pictures = Vec::new();
        for top in (0..height.max(1)).step_by(tallest as usize) {
            let rest = (height - top).clamp(1, tallest);
            let clip = json!({ "x": 0, "y": top, "width": self.width, "height": rest, "scale": 1 });
            let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
            let answer = self.call("Page.captureScreenshot", &wanted)?;
            pictures.push(from_base64(answer["data"].as_str().unwrap_or_default()));
        }
        Ok(pictures)
    }
}

fn complaint(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => {
            let details = &parameters["exceptionDetails"];
            text(&details["exception"]["description"]).or_else(|| text(&details["text"]))
        }
        "Runtime.consoleAPICalled" if matches!(parameters["type"].as_str(), Some("error" | "assert")) => {
            let arguments = parameters["args"].as_array()?.iter();
            let words = arguments.map(|a| text(&a["value"]).unwrap_or_else(|| a["description"].to_string()));
            Some(words.collect::<Vec<_>>().join(" "))
        }
        "Log.entryAdded" if parameters["entry"]["level"] == "error" => text(&parameters["entry"]["text"]),
        _ => None,
    }
}

/// The bytes that a text in base 64 stands for; other characters are passed over.
fn from_base64(text: &str) -> Vec<u8> {
    let sixes = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for six in sixes {
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_decoded_whatever_its_padding() {
        assert_eq!(from_base64("UE5H"), b"PNG");
        assert_eq!(from_base64("UE4="), b"PN");
        assert_eq!(from_base64("UA=="), b"P");
        assert_eq!(from_base64("+/8="), [0xfb, 0xff]);
    }

    #[test]
    fn errors_are_complaints_and_other_messages_are_not() {
        let thrown = json!({ "method": "Runtime.exceptionThrown",
            "params": { "exceptionDetails": { "text": "Uncaught", "exception": { "description": "x is null" } } } });
        assert_eq!(complaint(&thrown).as_deref(), Some("x is null"));
        let console = |kind: &str| {
            json!({ "method": "Runtime.consoleAPICalled",
                "params": { "type": kind, "args": [{ "value": "scale" }, { "value": "is empty" }] } })
        };
        assert_eq!(complaint(&console("error")).as_deref(), Some("scale is empty"));
        assert_eq!(complaint(&console("log")), None);
        let log = json!({ "method": "Log.entryAdded",
            "params": { "entry": { "level": "error", "text": "refused to load" } } });
        assert_eq!(complaint(&log).as_deref(), Some("refused to load"));
    }
}
