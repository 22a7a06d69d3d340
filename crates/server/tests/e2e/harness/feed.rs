//! A reader of a feed of changes.

use std::time::Duration;

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::SOON;

/// One event; lines of comments are none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) document: Value,
}

impl Event {
    /// Its name and the id of its resource.
    #[track_caller]
    pub(crate) fn about(&self) -> (&str, &str) {
        let id = self.document["data"]["id"].as_str();
        (&self.name, id.unwrap_or_else(|| panic!("{self:?}")))
    }

    /// Why the feed ends.
    #[track_caller]
    pub(crate) fn end(&self) -> &str {
        assert_eq!(self.name, "end", "{self:?}");
        self.document["errors"][0]["code"].as_str().unwrap()
    }
}

/// A reader of a feed.
pub(crate) struct Feed {
    response: Response,
    text: String,
    /// The place from which a browser would go on.
    pub(crate) last_event_id: Option<String>,
    /// Lines of comments so far.
    pub(crate) comments: usize,
}

impl Feed {
    /// Connects, or not where the answer is another one; the head is there then.
    pub(crate) async fn connect(url: &str, after: Option<&str>) -> Result<Self, reqwest::Error> {
        let client = Client::builder().no_proxy().build()?;
        let mut request = client.get(url).header("accept", "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await?.error_for_status()?;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Self {
            response,
            text: String::new(),
            last_event_id: after.map(str::to_owned),
            comments: 0,
        })
    }

    /// The next event; none where the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(at) = self.text.find("\n\n") {
                let block: String = self.text.drain(..at + 2).collect();
                if let Some(event) = self.dispatch(&block) {
                    return Some(event);
                }
                continue;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// An event that must come.
    pub(crate) async fn event(&mut self) -> Event {
        let event = timeout(SOON, self.next()).await;
        event.expect("an event in time").expect("a connection")
    }

    /// Reads up to the first place, where the feed begins.
    pub(crate) async fn begin(&mut self) {
        while self.last_event_id.is_none() {
            let nothing = timeout(Duration::from_millis(20), self.next()).await;
            assert!(nothing.is_err(), "{nothing:?}");
        }
    }

    /// As <https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage>.
    fn dispatch(&mut self, block: &str) -> Option<Event> {
        let (mut name, mut data) = ("message", Vec::new());
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" => self.comments += usize::from(!line.is_empty()),
                "event" => name = value,
                "data" => data.push(value),
                "id" => self.last_event_id = Some(value.to_owned()),
                "retry" => assert!(value.parse::<u32>().is_ok(), "{line}"),
                other => panic!("the field '{other}'"),
            }
        }
        let document = serde_json::from_str(&data.join("\n"));
        (!data.is_empty()).then(|| Event {
            name: name.to_owned(),
            document: document.unwrap_or_else(|_| panic!("{data:?}")),
        })
    }
}
