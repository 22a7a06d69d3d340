//! The way to the collector: OTLP over HTTP/1.1, one kept connection.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::OtlpError;

/// How long the collector may take for one request, connecting included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer of a collector that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Where the collector is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
}

impl Endpoint {
    /// Reads `http://host:port` or `http://host:port/path`; without a port it is 4318.
    ///
    /// # Errors
    /// [`OtlpError::Endpoint`].
    pub fn parse(text: &str) -> Result<Self, OtlpError> {
        let wrong = || OtlpError::Endpoint;
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        if !is_plain || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority.host().trim_matches(['[', ']']);
        Ok(Self {
            authority: authority.to_string(),
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(4318),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// What became of a request.
pub(super) enum Delivery {
    /// The collector has it, but for so many.
    Taken { rejected: u64 },
    /// It will never take it.
    Refused(String),
    /// It may take it later.
    Later(String),
}

/// The collector and the connection to it.
pub(super) struct Collector {
    endpoint: Endpoint,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Collector {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connection: None,
        }
    }

    /// Sends a request of one kind: `traces`, `logs` or `metrics`.
    pub(super) async fn send(&mut self, kind: &str, body: Bytes) -> Delivery {
        let sent = timeout(REQUEST_TIMEOUT, self.try_send(kind, body)).await;
        match sent {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(reason)) => {
                self.connection = None;
                Delivery::Later(reason)
            }
            Err(_late) => {
                self.connection = None;
                Delivery::Later(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()))
            }
        }
    }

    async fn try_send(&mut self, kind: &str, body: Bytes) -> Result<Delivery, String> {
        let in_words = |error: hyper::Error| error.to_string();
        let mut connection = match self.connection.take() {
            Some(kept) if !kept.is_closed() => kept,
            _ => self.connect().await?,
        };
        connection.ready().await.map_err(in_words)?;
        let request = Request::post(format!("{}/v1/{kind}", self.endpoint.path))
            .header(header::HOST, &self.endpoint.authority)
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::USER_AGENT, HeaderValue::from_static("monocoque"))
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let answer = connection.send_request(request).await.map_err(in_words)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body.await.map_err(|error| error.to_string())?.to_bytes();
        self.connection = Some(connection);
        Ok(judged(status, &body))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let place = (self.endpoint.host.as_str(), self.endpoint.port);
        let stream = TcpStream::connect(place).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let _ = stream.set_nodelay(true);
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            // Whoever sends sees that it failed.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

/// By the specification of OTLP over HTTP: these four may be tried again.
fn judged(status: StatusCode, body: &[u8]) -> Delivery {
    match status {
        _ if status.is_success() => Delivery::Taken {
            rejected: super::wire::rejected(body),
        },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Delivery::Later(format!("it answered {status}")),
        _ => Delivery::Refused(format!("it answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url_without_credentials() {
        let endpoint = Endpoint::parse("http://[::1]/base/").unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 4318));
        assert_eq!(endpoint.path, "/base");
        assert_eq!(Endpoint::parse("http://c:9").unwrap().port, 9);
        for wrong in [
            "",
            "c:4318",
            "https://c",
            "http://u:p@c",
            "http://c/?a",
            "grpc://c",
            "/x",
        ] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
