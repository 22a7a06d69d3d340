//! A small client for plain HTTP/1.1: one connection for each request, in bounded time and space.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderName, Method, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::Problem;
use crate::exchange::{Answer, Request};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes the body of one answer may have.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Sends requests to one server.
pub(crate) struct Client {
    runtime: Runtime,
    host: String,
    port: u16,
    authority: String,
    /// The path of the base, without a slash at its end.
    prefix: String,
}

impl Client {
    /// Takes the base apart.
    pub(crate) fn new(base: &str) -> Result<Self, Problem> {
        let problem = |what: &str| Problem::Base(format!("'{base}' {what}"));
        let uri: Uri = base.parse().map_err(|_| problem("is no URL"))?;
        if uri.scheme_str() == Some("https") {
            let what = "is https, which the runner does not speak: name the plain port behind it";
            return Err(problem(what));
        }
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(|| problem("is no http:// URL"))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| problem(&error.to_string()))?,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The path and query that a link leads to, from the root of the server.
    pub(crate) fn target(&self, link: &str) -> Result<String, String> {
        if link.starts_with('/') && !link.starts_with("//") {
            return Ok(link.to_owned());
        }
        let rest = link.strip_prefix("http://").unwrap_or_default();
        match rest.strip_prefix(&self.authority) {
            Some(path) if path.starts_with('/') => Ok(path.to_owned()),
            Some("") => Ok("/".to_owned()),
            _ => Err(format!("the link {link} leads to another server")),
        }
    }

    /// A path below the base, from the root of the server.
    pub(crate) fn rooted(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) fn send(&self, request: &Request) -> Result<Answer, String> {
        self.runtime.block_on(self.exchange(request))
    }

    /// Sends requests at the same time.
    pub(crate) fn send_together(&self, requests: &[Request]) -> Vec<Result<Answer, String>> {
        let exchanges = join_all(requests.iter().map(|request| self.exchange(request)));
        self.runtime.block_on(exchanges)
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, String> {
        let answered = tokio::time::timeout(PATIENCE, self.ask(request)).await;
        answered.unwrap_or_else(|_| Err(format!("not within {} s", PATIENCE.as_secs())))
    }

    async fn ask(&self, request: &Request) -> Result<Answer, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = TokioIo::new(stream.map_err(|error| error.to_string())?);
        let connected = hyper::client::conn::http1::handshake(stream).await;
        let (mut sender, connection) = connected.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let message = self.message(request)?;
        let response = sender.send_request(message).await;
        let (head, body) = response.map_err(|error| error.to_string())?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        connection.abort();
        let body = body.map_err(|error| error.to_string())?.to_bytes().to_vec();
        Ok(Answer {
            request: request.line(),
            status: head.status.as_u16(),
            headers: head.headers,
            document: serde_json::from_slice(&body).unwrap_or(Value::Null),
            body,
        })
    }

    fn message(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, String> {
        let mut message = http::Request::builder()
            .method(&request.method)
            .uri(request.path.as_str())
            .header(HOST, &self.authority);
        if let Some(accept) = &request.accept {
            message = message.header(ACCEPT, accept);
        }
        if let Some(content_type) = &request.content_type {
            message = message.header(CONTENT_TYPE, content_type);
        }
        for (name, value) in &request.headers {
            message = message.header(HeaderName::from_static(name), value);
        }
        let bodiless = request.body.is_none() && request.method == Method::POST;
        if bodiless {
            message = message.header(http::header::CONTENT_LENGTH, "0");
        }
        let body = Full::from(request.body.clone().unwrap_or_default());
        message.body(body).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_is_spoken_and_https_is_told_apart() {
        for (base, said) in [
            (
                "https://a.example",
                "https, which the runner does not speak",
            ),
            ("a.example", "no http:// URL"),
            ("ftp://a.example", "no http:// URL"),
            ("http://", "no URL"),
        ] {
            let error = Client::new(base).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains(said)), "{base}");
        }
    }

    #[test]
    fn links_lead_to_paths_of_this_server_only() {
        let client = Client::new("http://localhost:8000/api/").unwrap();
        let target = |link| client.target(link).ok();
        assert_eq!(client.rooted("/a"), "/api/a");
        assert_eq!(
            target("http://localhost:8000/api/a?b").as_deref(),
            Some("/api/a?b")
        );
        assert_eq!(target("/api/a").as_deref(), Some("/api/a"));
        for link in [
            "http://localhost:80001/a",
            "http://other/a",
            "//other/a",
            "https://x/",
        ] {
            assert_eq!(target(link), None, "{link}");
        }
    }
}
