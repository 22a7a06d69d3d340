//! What the chassis itself has to refuse or report, before or after a service had its say.

use std::time::Duration;

use http::StatusCode;

/// A refusal or failure that no service answers for.
///
/// A [`crate::presenter::Presenter`] turns it into a response. None of the texts shows internals:
/// the cause of a [`Fault::Panicked`] is in the log only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No route has this path.
    NotFound,
    /// The path exists, but not for this method. The response carries `Allow`.
    MethodNotAllowed,
    /// The request body is larger than the process takes.
    BodyTooLarge {
        /// The most a request body may hold.
        bytes_max: usize,
    },
    /// The request has no `Host`, several, or one that is none.
    HostUnfit,
    /// The request names a host that this process does not answer for.
    HostUnknown,
    /// The client asks more often than it may.
    RateLimited {
        /// When its next request is within the limit; sent as `Retry-After`.
        retry_after: Duration,
    },
    /// The request bodies of the client hold as much as those of one client may.
    ClientHoldsTooMuch {
        /// When the client should try again; sent as `Retry-After`.
        retry_after: Duration,
    },
    /// The request body has a `Content-Encoding` that is not known, or several. The response
    /// carries `Accept-Encoding`.
    CodingUnknown,
    /// The HTTP library cannot read the head of the request.
    HeadUnreadable {
        /// 400, 414 or 431.
        status: StatusCode,
    },
    /// The request body did not come in time. Nothing was done.
    BodyTimeout {
        /// How long it was given.
        after: Duration,
    },
    /// The request body breaks off or is not written as HTTP wants it. Nothing was done.
    BodyUnreadable,
    /// The handler did not answer in time.
    DeadlineExceeded {
        /// How long it was given.
        after: Duration,
    },
    /// As many requests as the process takes at once are being handled.
    Overloaded {
        /// When the client should try again; sent as `Retry-After`, in whole seconds.
        retry_after: Duration,
    },
    /// The log cannot be changed so.
    LogFilterUnfit {
        /// What is wrong, in words for operators.
        reason: String,
    },
    /// The handler panicked.
    Panicked {
        /// What finds the panic in the log.
        request_id: String,
    },
}

impl Fault {
    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HostUnfit | Self::BodyUnreadable | Self::LogFilterUnfit { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::HostUnknown => StatusCode::MISDIRECTED_REQUEST,
            Self::RateLimited { .. } | Self::ClientHoldsTooMuch { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::CodingUnknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HeadUnreadable { status } => *status,
            Self::BodyTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            // Not 408, which blames a slow client and invites browsers to repeat the request.
            Self::DeadlineExceeded { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name a program can rely on: stable, in `snake_case`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::HostUnfit => "invalid_host",
            Self::HostUnknown => "unknown_host",
            Self::RateLimited { .. } => "rate_limited",
            Self::ClientHoldsTooMuch { .. } => "client_overloaded",
            Self::CodingUnknown => "unsupported_content_encoding",
            Self::HeadUnreadable { .. } => "invalid_request_head",
            Self::BodyTimeout { .. } => "body_timeout",
            Self::BodyUnreadable => "invalid_body",
            Self::DeadlineExceeded { .. } => "deadline_exceeded",
            Self::Overloaded { .. } => "overloaded",
            Self::LogFilterUnfit { .. } => "invalid_log_filter",
            Self::Panicked { .. } => "internal_error",
        }
    }

    /// The fault in a few words, the same at each occurrence.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::BodyTooLarge { .. } => "Request body is too large",
            Self::HostUnfit => "Invalid Host header",
            Self::HostUnknown => "Unknown host",
            Self::RateLimited { .. } => "Too many requests",
            Self::ClientHoldsTooMuch { .. } => "Too many bytes at once",
            Self::CodingUnknown => "Unsupported content encoding",
            Self::HeadUnreadable { .. } => "Request head is not readable",
            Self::BodyTimeout { .. } => "Request body came too slowly",
            Self::BodyUnreadable => "Request body is not readable",
            Self::DeadlineExceeded { .. } => "Deadline exceeded",
            Self::Overloaded { .. } => "Server is overloaded",
            Self::LogFilterUnfit { .. } => "Invalid filter of the log",
            Self::Panicked { .. } => "Internal error",
        }
    }

    /// What happened and what the client can do about it, as one or two sentences.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::NotFound => "There is nothing at this path.".to_owned(),
            Self::MethodNotAllowed => {
                "The path exists, but not for this method; the Allow header names the methods \
                 that it takes."
                    .to_owned()
            }
            Self::BodyTooLarge { bytes_max } => {
                format!("The request body may hold at most {bytes_max} bytes.")
            }
            Self::HostUnfit => {
                "A request needs exactly one Host header, which names a host and at most a port."
                    .to_owned()
            }
            Self::HostUnknown => {
                "The request names a host that this server does not answer for. Its operator \
                 lists the hosts in the setting 'hosts'."
                    .to_owned()
            }
            Self::RateLimited { retry_after } => format!(
                "The client has made more requests than it may. The next one is answered in {}.",
                seconds(Duration::from_secs(whole_seconds(*retry_after)))
            ),
            Self::ClientHoldsTooMuch { retry_after } => format!(
                "The request bodies that are under way from this client hold as much as those of \
                 one client may. Wait for their answers, or try again in {}. Nothing was done.",
                seconds(*retry_after)
            ),
            Self::CodingUnknown => {
                "The request body may come as it is, or in one of the codings that the header \
                 Accept-Encoding names. Nothing was done."
                    .to_owned()
            }
            Self::HeadUnreadable { status } => head_detail(*status).to_owned(),
            Self::BodyTimeout { after } => format!(
                "The request body was not complete within {}. Nothing was done.",
                seconds(*after)
            ),
            Self::BodyUnreadable => {
                "The request body breaks off, or its parts are not written as HTTP/1.1 wants \
                 them. Nothing was done."
                    .to_owned()
            }
            Self::DeadlineExceeded { after } => format!(
                "The request was not answered within {} and was given up. A change it asked for \
                 may have been made.",
                seconds(*after)
            ),
            Self::Overloaded { retry_after } => format!(
                "Too many requests are being handled at the moment. The condition is transient: \
                 try again in {}.",
                seconds(*retry_after)
            ),
            Self::LogFilterUnfit { reason } => format!("The log stays as it was: {reason}."),
            Self::Panicked { request_id } => format!(
                "The request could not be handled because of a fault in the server. The log has \
                 it under the request id '{request_id}'."
            ),
        }
    }

    /// When the client should try again, for faults that pass by themselves.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after }
            | Self::RateLimited { retry_after }
            | Self::ClientHoldsTooMuch { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

fn head_detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::URI_TOO_LONG => "The request target is too long.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "The headers of the request are too many or too large."
        }
        _ => "The request line or a header is not written as HTTP/1.1 wants it.",
    }
}

/// Rounded up, so that who waits so long does not come too early; at least 1.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let seconds = duration.as_millis().div_ceil(1000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        1.0 => "1 second".to_owned(),
        count => format!("{count} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_names_its_bound_in_words() {
        let too_large = Fault::BodyTooLarge { bytes_max: 1024 };
        assert_eq!(
            too_large.detail(),
            "The request body may hold at most 1024 bytes."
        );
        let late = Fault::DeadlineExceeded {
            after: Duration::from_millis(1500),
        };
        assert!(
            late.detail().contains("within 1.5 seconds"),
            "{}",
            late.detail()
        );
        let busy = Fault::Overloaded {
            retry_after: Duration::from_secs(1),
        };
        assert!(
            busy.detail().ends_with("try again in 1 second."),
            "{}",
            busy.detail()
        );
    }
}
