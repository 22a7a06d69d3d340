//! The text that Prometheus reads, in its own format and in that of `OpenMetrics`.

use std::fmt::Write;
use std::time::UNIX_EPOCH;

use super::{Distribution, Exemplar, Family, Kind, Labels, PointValue};

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format of Prometheus 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0, which has exemplars.
    OpenMetrics,
}

impl Exposition {
    /// The format that an `Accept` asks for.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of these metrics.
#[must_use]
pub fn exposition(families: &[Family], format: Exposition) -> String {
    let mut text = String::with_capacity(16 * 1024);
    for family in families {
        push_family(&mut text, family, format);
    }
    if format == Exposition::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn push_family(text: &mut String, family: &Family, format: Exposition) {
    let mut name = family.name.replace('.', "_");
    let unit = match family.unit.as_str() {
        "s" => "seconds",
        "By" => "bytes",
        _ => "",
    };
    if !unit.is_empty() {
        name = format!("{name}_{unit}");
    }
    let sample = match family.kind {
        Kind::Counter => format!("{name}_total"),
        _ => name.clone(),
    };
    // OpenMetrics names the family of a counter, Prometheus its sample.
    let described = match format {
        Exposition::OpenMetrics => &name,
        Exposition::Prometheus => &sample,
    };
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    // Writing to a string does not fail.
    let _ = writeln!(text, "# HELP {described} {}.", family.help);
    let _ = writeln!(text, "# TYPE {described} {kind}");
    if format == Exposition::OpenMetrics && !unit.is_empty() {
        let _ = writeln!(text, "# UNIT {described} {unit}");
    }
    for point in &family.points {
        match &point.value {
            PointValue::Number(value) => {
                text.push_str(&sample);
                push_labels(text, &point.labels, None);
                let _ = writeln!(text, " {value}");
            }
            PointValue::Distribution(distribution) => {
                push_distribution(text, &sample, &point.labels, distribution, format);
            }
        }
    }
}

fn push_distribution(
    text: &mut String,
    name: &str,
    labels: &Labels,
    distribution: &Distribution,
    format: Exposition,
) {
    let mut count = 0;
    for (at, in_range) in distribution.counts.iter().enumerate() {
        count += in_range;
        let bound = distribution.bounds.get(at);
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
        let _ = write!(text, "{name}_bucket");
        push_labels(text, labels, Some(&bound));
        let _ = write!(text, " {count}");
        if let (Exposition::OpenMetrics, Some(exemplar)) = (format, &distribution.exemplars[at]) {
            push_exemplar(text, exemplar);
        }
        text.push('\n');
    }
    for (suffix, value) in [
        ("sum", distribution.sum.to_string()),
        ("count", count.to_string()),
    ] {
        let _ = write!(text, "{name}_{suffix}");
        push_labels(text, labels, None);
        let _ = writeln!(text, " {value}");
    }
}

fn push_exemplar(text: &mut String, exemplar: &Exemplar) {
    let (mut trace, mut span) = ([0; 32], [0; 16]);
    let trace = exemplar.trace_id.hex(&mut trace);
    let span = exemplar.span_id.hex(&mut span);
    let time = exemplar.time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let _ = write!(
        text,
        " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {} {:.3}",
        exemplar.value,
        time.as_secs_f64()
    );
}

fn push_labels(text: &mut String, labels: &Labels, bound: Option<&str>) {
    if labels.is_empty() && bound.is_none() {
        return;
    }
    let mut separator = '{';
    for (name, value) in labels {
        let _ = write!(text, "{separator}{}=\"", name.replace('.', "_"));
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                _ => text.push(character),
            }
        }
        text.push('"');
        separator = ',';
    }
    if let Some(bound) = bound {
        let _ = write!(text, "{separator}le=\"{bound}\"");
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::telemetry::context::TraceContext;
    use crate::telemetry::metrics::{Descriptor, Registry};

    const DURATION: Descriptor = Descriptor {
        name: "http.server.request.duration",
        kind: Kind::Histogram,
        unit: "s",
        help: "How long it took",
    };
    const DONE: Descriptor = Descriptor {
        name: "things.done",
        kind: Kind::Counter,
        unit: "",
        help: "Things",
    };

    #[test]
    fn both_formats_have_the_names_of_prometheus_and_one_has_exemplars() {
        let registry = Arc::<Registry>::default();
        let labels = vec![("http.route".into(), "/a\"\\\n{id}".into())];
        let histogram = registry.histogram(&DURATION, labels);
        let trace = TraceContext::continued(&http::HeaderMap::new(), |_| true);
        histogram.record(0.004);
        histogram.record_of(0.03, trace.trace_id, trace.span_id);
        registry.observe(|samples| samples.add(&DONE, [], 7.0));
        let text = exposition(&registry.collect(), Exposition::Prometheus);
        let label = r#"http_route="/a\"\\\n{id}""#;
        for line in [
            "# TYPE http_server_request_duration_seconds histogram".to_owned(),
            format!("http_server_request_duration_seconds_bucket{{{label},le=\"0.025\"}} 1"),
            format!("http_server_request_duration_seconds_bucket{{{label},le=\"0.05\"}} 2"),
            format!("http_server_request_duration_seconds_bucket{{{label},le=\"+Inf\"}} 2"),
            format!("http_server_request_duration_seconds_sum{{{label}}} 0.034"),
            format!("http_server_request_duration_seconds_count{{{label}}} 2"),
            "# TYPE things_done_total counter".to_owned(),
            "things_done_total 7".to_owned(),
        ] {
            assert!(text.lines().any(|one| one == line), "no {line} in {text}");
        }
        let text = exposition(&registry.collect(), Exposition::OpenMetrics);
        assert!(text.ends_with("# EOF\n") && text.contains("# TYPE things_done counter\n"));
        assert!(text.contains("# UNIT http_server_request_duration_seconds seconds\n"));
        let mut buffer = [0; 32];
        let id = trace.trace_id.hex(&mut buffer);
        let of_exemplar = format!("le=\"0.05\"}} 2 # {{trace_id=\"{id}\",span_id=");
        assert!(text.contains(&of_exemplar), "no {of_exemplar} in {text}");
        assert_eq!(text.matches(" # {").count(), 1);
    }
}
