//! The codings in which bodies travel.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// What a client that takes several equally is given first: zstd costs least.
const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// A coding in which answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

impl Coding {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What the tag of an answer in this coding ends with. A `;` stands in no tag of a service.
    pub(super) fn tag_ending(self) -> &'static str {
        match self {
            Self::Zstd => ";zstd\"",
            Self::Brotli => ";br\"",
            Self::Gzip => ";gzip\"",
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        CODINGS.into_iter()
    }

    /// The coding that the client likes best; none where it likes none better than the bytes as
    /// they are. Who refuses those as well gets them all the same: an answer is worth more than a
    /// 406.
    pub(super) fn wanted(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(ACCEPT_ENCODING) {
            return None;
        }
        let lines = headers.get_all(ACCEPT_ENCODING).iter();
        let items: Vec<(&str, u16)> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(item)
            .collect();
        let weight = |name: &str| {
            let named = |item: &&(&str, u16)| item.0.eq_ignore_ascii_case(name);
            items.iter().find(named).map(|(_, weight)| *weight)
        };
        let others = weight("*").unwrap_or(0);
        let identity = weight("identity").unwrap_or(0);
        let mut best = None;
        for coding in CODINGS {
            let of_coding = weight(coding.name()).unwrap_or(others);
            if of_coding > 0
                && of_coding >= identity
                && best.is_none_or(|(_, best)| of_coding > best)
            {
                best = Some((coding, of_coding));
            }
        }
        best.map(|(coding, _)| coding)
    }
}

/// A coding and its weight in thousandths: `gzip;q=0.5`.
fn item(text: &str) -> (&str, u16) {
    let mut parts = text.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("q")
            .then(|| thousandths(value.trim()))
    });
    (name, weight.unwrap_or(1000))
}

/// A weight that is none counts as 0: who writes nonsense gets what everybody can read.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if are_digits => 1000,
        "0" if are_digits => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_that_the_client_likes_best_is_sent() {
        for (accepted, coding) in [
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip, br", Some(Coding::Brotli)),
            ("gzip;q=1.0, br;q=0.5, zstd;q=0", Some(Coding::Gzip)),
            ("GZIP ; Q=0.001", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("*;q=0.5, zstd;q=0", Some(Coding::Brotli)),
            ("identity;q=0, gzip;q=0.1", Some(Coding::Gzip)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("gzip;q=0", None),
            ("gzip;q=nonsense", None),
            ("deflate, compress", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(Coding::wanted(&headers), coding, "{accepted}");
        }
        assert_eq!(Coding::wanted(&HeaderMap::new()), None);
    }
}
