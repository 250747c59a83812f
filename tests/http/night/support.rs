//! Short ways to make an election of boxes and to ask about it.

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Ask, TestServer};

/// An election as it was created.
#[derive(Debug, Clone)]
pub(crate) struct Night {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) body: Value,
}

impl Night {
    /// The short form: tories and labour, counted in london and leeds, open, with what `more` says otherwise; a null takes
    /// a field away.
    pub(crate) async fn create(server: &TestServer, more: Value) -> Self {
        let body = short(more);
        Self::of(server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json())
    }

    /// An election from the answer to its creation.
    pub(crate) fn of(body: Value) -> Self {
        let text = |name: &str| body[name].as_str().expect(name).to_owned();
        Self { id: text("id"), code: text("code"), body }
    }

    /// Where this election's requests go.
    pub(crate) fn path(&self, tail: &str) -> String {
        format!("/api/v1/elections/{}{tail}", self.id)
    }

    /// A request of who runs it, with a JSON body.
    pub(crate) fn post(&self, server: &TestServer, tail: &str, body: &Value) -> Ask {
        server.post(&self.path(tail), body).bearer(ADMIN)
    }

    /// A request of who runs it, with a CSV body.
    pub(crate) fn csv(&self, server: &TestServer, tail: &str, body: impl Into<Vec<u8>>) -> Ask {
        server.ask("POST", &self.path(tail)).header("content-type", "text/csv").body(body).bearer(ADMIN)
    }

    /// What there is of it for who runs it.
    pub(crate) async fn get(&self, server: &TestServer, tail: &str) -> Answer {
        server.get(&self.path(tail)).bearer(ADMIN).send().await
    }

    /// An act of who runs it, on all its contests.
    pub(crate) async fn act(&self, server: &TestServer, act: &str) -> Answer {
        self.post(server, &format!("/{act}"), &json!({})).send().await
    }
}

/// The short form of an election, with what `more` says otherwise.
pub(crate) fn short(more: Value) -> Value {
    let mut body = json!({ "title": "The night", "choices": ["tories", "labour"], "cities": ["london", "leeds"],
        "open": true });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    fields.retain(|_, value| !value.is_null());
    body
}

/// The refusal of an import, as lines: where, and the code of what is wrong.
pub(crate) fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let fault = |fault: &Value| {
        let place = fault["line"].as_u64().map(|line| line.to_string());
        let place = place.or_else(|| fault["pointer"].as_str().map(str::to_owned)).expect("a place");
        assert!(fault["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{fault}");
        (place, fault["code"].as_str().expect("a code").to_owned())
    };
    problem["errors"].as_array().unwrap_or_else(|| panic!("{problem:#}")).iter().map(fault).collect()
}
