//! `monocoque healthcheck`: for container images that have neither a shell nor curl.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chassis::serve::Address;
use chassis::tls::connect_to_own_server;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Builder;

use crate::command_line::Healthcheck;
use crate::failure::Failure;
use crate::settings;

const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked, and where.
struct Target {
    uri: Uri,
    /// The socket, where it is none of the URI.
    socket: Option<PathBuf>,
}

pub(super) fn run(arguments: &Healthcheck) -> Result<ExitCode, Failure> {
    let (url, socket) = if let Some(url) = &arguments.url {
        (url.clone(), None)
    } else {
        let (settings, _) = settings::read(&arguments.settings)?;
        let has_tls = settings.admin_tls_certificate.is_some();
        let scheme = if has_tls { "https" } else { "http" };
        match settings.admin_listen {
            Address::Tcp(address) => {
                let address = reachable(address);
                (format!("{scheme}://{address}/liveness"), None)
            }
            Address::Unix(path) => (format!("{scheme}://localhost/liveness"), Some(path)),
        }
    };
    let uri = url
        .parse::<Uri>()
        .ok()
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let uri =
        uri.ok_or_else(|| Failure::usage(format!("'{url}' is not an http:// or https:// URL")))?;
    let target = Target { uri, socket };
    let asked = async { tokio::time::timeout(PATIENCE, target.ask()).await };
    let problem = match super::runtime(Builder::new_current_thread())?.block_on(asked) {
        Ok(Ok(status)) if status.is_success() => return Ok(ExitCode::SUCCESS),
        Ok(Ok(status)) => format!("the answer is {status}"),
        Ok(Err(error)) => error,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let socket = target.socket.as_ref();
    let at = socket.map_or(url, |path| format!("unix:{}", path.display()));
    let _ = writeln!(std::io::stderr(), "monocoque: {at}: {problem}");
    Ok(ExitCode::FAILURE)
}

/// A process that listens everywhere is asked through the loopback interface.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

impl Target {
    async fn ask(&self) -> Result<StatusCode, String> {
        let text = |error: std::io::Error| error.to_string();
        if let Some(path) = &self.socket {
            return self
                .ask_over(UnixStream::connect(path).await.map_err(text)?)
                .await;
        }
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let default_port = if self.has_tls() { 443 } else { 80 };
        let port = self.uri.port_u16().unwrap_or(default_port);
        self.ask_over(TcpStream::connect((host, port)).await.map_err(text)?)
            .await
    }

    fn has_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    async fn ask_over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<StatusCode, String> {
        if !self.has_tls() {
            return self.request(stream).await;
        }
        let connected = connect_to_own_server(stream).await;
        self.request(connected.map_err(|error| error.to_string())?)
            .await
    }

    async fn request(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<StatusCode, String> {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let request = Request::get(path)
            .header(header::HOST, host)
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string());
        connection.abort();
        Ok(response?.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_listens_everywhere_is_asked_at_home() {
        for (listen, asked) in [
            ("0.0.0.0:9000", "127.0.0.1:9000"),
            ("[::]:9000", "[::1]:9000"),
            ("10.1.2.3:9000", "10.1.2.3:9000"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
