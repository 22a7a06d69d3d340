//! A small client of HTTP/1.1 for commands that ask a running process, in bounded time and space.

use std::fmt;
use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is taken, in bytes.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Where an API begins.
#[derive(Debug, Clone)]
pub(super) struct Base {
    host: String,
    port: u16,
    authority: String,
    /// The path, without a slash at its end.
    prefix: String,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Why there is no answer that can be used.
#[derive(Debug)]
pub(super) enum Failed {
    /// The same request may succeed later.
    Passes(String),
    /// It will not.
    Stays(String),
    /// The answer has more bytes than are taken.
    TooLarge,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes(text) | Self::Stays(text) => formatter.write_str(text),
            Self::TooLarge => write!(formatter, "an answer has more than {BODY_BYTES_MAX} bytes"),
        }
    }
}

impl Base {
    /// Takes a URL apart; the error says what is wrong with it.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("'{url}' is no URL"))?;
        if uri.scheme_str() == Some("https") {
            return Err(format!(
                "'{url}' is https, which this command does not speak: name the plain port behind it"
            ));
        }
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority
            .ok_or_else(|| format!("'{url}' is no http:// URL, such as http://localhost:8000"))?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// What a GET of a path below the base answers.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Answer, Failed> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(path, accept)).await;
        asked.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(Failed::Passes(format!("no answer within {seconds} s")))
        })
    }

    async fn ask(&self, path: &str, accept: &str) -> Result<Answer, Failed> {
        let away = |error: &dyn fmt::Display| {
            Failed::Passes(format!("{} cannot be asked: {error}", self.authority))
        };
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = TokioIo::new(stream.map_err(|error| away(&error))?);
        let connected = hyper::client::conn::http1::handshake(stream).await;
        let (mut sender, connection) = connected.map_err(|error| away(&error))?;
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("{}{path}", self.prefix))
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, accept)
            .body(Empty::<Bytes>::new())
            .map_err(|error| Failed::Stays(error.to_string()))?;
        let response = sender.send_request(request).await;
        let (head, body) = response.map_err(|error| away(&error))?.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        connection.abort();
        match body {
            Ok(body) => Ok(Answer {
                status: head.status,
                body: body.to_bytes(),
            }),
            Err(error) if error.is::<LengthLimitError>() => Err(Failed::TooLarge),
            Err(error) => Err(away(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_asked_is_refused_with_the_reason() {
        for (url, told) in [
            ("https://h", "does not speak"),
            ("localhost:8000", "no http:// URL"),
            ("h h", "is no URL"),
            ("/contacts", "no http:// URL"),
        ] {
            let refused = Base::new(url).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
        let base = Base::new("http://[::1]:8000/v1/").unwrap();
        assert_eq!((base.host.as_str(), base.port), ("::1", 8000));
        assert_eq!(base.prefix, "/v1");
    }
}
