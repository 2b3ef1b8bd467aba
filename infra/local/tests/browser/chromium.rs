//! A headless Chromium, controlled over its own pipe: the DevTools protocol as texts that end with
//! a zero byte, without a port, a driver or a library.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Time limit of a wait, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The names under which Chromium is found, and a variable that names another.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const VARIABLE: &str = "STEVEDORE_BROWSER";

/// Returns the path of an installed browser, if there is one.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(named));
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    session: String,
    last: u64,
    /// Errors of the console, exceptions, and refusals of the Content-Security-Policy.
    pub(crate) complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The browser's protocol uses descriptors 3 and 4; its own output goes to the standard
        // error.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 1>&2"])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"])
            // In a container there is no user for its sandbox; only the panel's pages are opened.
            .args(["--no-sandbox", "--disable-extensions", "--disable-background-networking", "--lang=en-GB", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            while output.read_until(0, &mut text).is_ok_and(|read| read > 0) {
                text.pop();
                if serde_json::from_slice(&text).map(|message| sender.send(message)).is_err() {
                    return;
                }
                text.clear();
            }
        });
        let mut browser = Self { child, input, messages, session: String::new(), last: 0, complaints: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// A call of the protocol. Complaints of the page meanwhile are kept.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut text = serde_json::to_vec(&message).unwrap();
        text.push(0);
        self.input.write_all(&text).unwrap();
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) if message["id"] == id => {
                    assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                    return message["result"].clone();
                }
                Ok(message) => self.heard(&message),
                Err(RecvTimeoutError::Timeout) => panic!("no answer to {method}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the browser ended during {method}"),
            }
        }
    }

    fn heard(&mut self, message: &Value) {
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(parameters["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => self.complaints.push(parameters["entry"].to_string()),
            Some("Runtime.consoleAPICalled") if parameters["type"] == "error" => self.complaints.push(parameters["args"].to_string()),
            _ => {}
        }
    }

    /// Evaluates an expression in the page, and waits for a promise.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &json!({"expression": expression, "awaitPromise": true, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(crate) fn until(&mut self, what: &str, expression: &str) {
        let started = Instant::now();
        while self.eval(&format!("Boolean({expression})")) != true {
            if started.elapsed() > PATIENCE {
                let text = self.eval("document.body.innerText");
                panic!("waited in vain for: {what}\n{expression}\nat {}\n{text}", self.eval("location.href"));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Waits until the page shows this text.
    pub(crate) fn says(&mut self, text: &str) {
        self.until(text, &format!("document.body?.innerText.includes({})", json!(text)));
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
    }

    /// Goes to another page of the panel by its address.
    pub(crate) fn go(&mut self, path: &str) {
        self.eval("performance.clearResourceTimings()");
        let hash = json!(format!("#{path}"));
        self.eval(&format!(
            "(document.querySelector('main').removeAttribute('data-shown'), location.hash === {hash} ? \
             dispatchEvent(new HashChangeEvent('hashchange')) : location.hash = {hash}, true)"
        ));
        self.until(&format!("the page {path}"), &format!("document.querySelector('main').dataset.shown === {hash}"));
    }

    /// Calls of the API since the last `go`.
    pub(crate) fn calls(&mut self) -> Vec<String> {
        let names = self.eval(
            "performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname).filter((name) => name.startsWith('/v1/'))",
        );
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Clicks the first button or link with this visible text.
    pub(crate) fn click(&mut self, text: &str) {
        let find = format!(
            "[...document.querySelectorAll('dialog[open] button')].concat([...document.querySelectorAll('main button, main a, header button')])\
             .find((one) => one.innerText.trim() === {text} && one.getClientRects().length > 0 && !one.disabled)",
            text = json!(text)
        );
        self.until(&format!("something to click that says {text}"), &find);
        self.eval(&format!("({find}.click(), true)"));
    }

    /// The expression for the field with this label.
    pub(crate) fn field(label: &str) -> String {
        format!(
            "document.getElementById([...document.querySelectorAll('dialog[open] label'), ...document.querySelectorAll('label')]\
             .find((one) => one.innerText.trim() === {})?.htmlFor)",
            json!(label)
        )
    }

    /// Fills in a field, or chooses an option by its text, like a person.
    pub(crate) fn write(&mut self, label: &str, text: &str) {
        let field = Self::field(label);
        self.until(&format!("the field {label}"), &format!("{field} && {field}.getClientRects().length > 0"));
        self.eval(&format!(
            "(() => {{ const field = {field}; const text = {text}; field.focus();
              if (field.type === 'checkbox') field.checked = text === 'yes';
              else if (field.tagName === 'SELECT') field.value = [...field.options].find((one) => one.text === text || one.value === text).value;
              else field.value = text;
              field.dispatchEvent(new Event('input', {{ bubbles: true }})); field.dispatchEvent(new Event('change', {{ bubbles: true }})); return true; }})()",
            text = json!(text)
        ));
    }

    /// True if a field can be seen.
    pub(crate) fn sees(&mut self, label: &str) -> bool {
        let field = Self::field(label);
        self.eval(&format!("Boolean({field} && {field}.getClientRects().length > 0)")) == true
    }

    /// Presses and releases a key.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowRight" => 39,
            _ => panic!("{key}"),
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Sets the width of the window and the preference for dark colors.
    pub(crate) fn look(&mut self, width: u32, height: u32, dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if dark { "dark" } else { "light" };
        self.call("Emulation.setEmulatedMedia", &json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}));
    }

    /// The page's picture in base64: `png` as it is, `webp` small.
    pub(crate) fn picture(&mut self, format: &str) -> String {
        let mut parameters = json!({"format": format});
        if format == "webp" {
            parameters["quality"] = json!(58);
        }
        self.call("Page.captureScreenshot", &parameters)["data"].as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Kills only its own process; its children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
