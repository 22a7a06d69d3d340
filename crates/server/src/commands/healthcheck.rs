//! `monocoque healthcheck`: for container images that have neither a shell nor curl.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use crate::command_line::Healthcheck;
use crate::failure::Failure;
use crate::settings;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &Healthcheck) -> Result<ExitCode, Failure> {
    let url = if let Some(url) = &arguments.url {
        url.clone()
    } else {
        let (settings, _) = settings::read(&arguments.settings)?;
        format!("http://{}/liveness", reachable(settings.admin_listen))
    };
    let uri = url
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.scheme_str() == Some("http"));
    let uri = uri.ok_or_else(|| Failure::usage(format!("'{url}' is not an http:// URL")))?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(&uri)).await };
    let problem = match super::runtime(Builder::new_current_thread())?.block_on(asked) {
        Ok(Ok(status)) if status.is_success() => return Ok(ExitCode::SUCCESS),
        Ok(Ok(status)) => format!("the answer is {status}"),
        Ok(Err(error)) => error,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    let _ = writeln!(std::io::stderr(), "monocoque: {url}: {problem}");
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

async fn ask(uri: &Uri) -> Result<StatusCode, String> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| error.to_string())?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(
            header::HOST,
            uri.authority().map_or("", |authority| authority.as_str()),
        )
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string());
    connection.abort();
    Ok(response?.status())
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
