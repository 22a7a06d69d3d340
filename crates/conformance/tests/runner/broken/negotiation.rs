use super::{answers, are_found, reads, refuses, says, without};

const JSON_API: &str = "application/vnd.api+json";
const ATOMIC: &str = "application/vnd.api+json;ext=\"https://jsonapi.org/ext/atomic\"";

#[test]
fn wrong_media_types_of_answers_are_found() {
    are_found(&[
        (
            "CN-1",
            answers(|_, answer| {
                answer
                    .headers
                    .insert("content-type", "application/json".to_owned());
            }),
        ),
        (
            "CN-2",
            answers(|_, answer| {
                let plain = answer.headers.get_mut("content-type");
                if let Some(it) = plain {
                    it.push_str(";charset=utf-8");
                }
            }),
        ),
        (
            "CN-3",
            answers(|_, answer| {
                answer.headers.insert("content-type", JSON_API.to_owned());
            }),
        ),
        (
            "CN-4",
            answers(|_, answer| {
                answer.headers.insert("content-type", JSON_API.to_owned());
            }),
        ),
        (
            "CN-5",
            answers(|_, answer| {
                let quoted = answer.headers.get_mut("content-type");
                if let Some(it) = quoted {
                    *it = it.replace('"', "");
                }
            }),
        ),
        (
            "CN-12",
            answers(|_, answer| {
                answer.headers.insert("content-type", JSON_API.to_owned());
            }),
        ),
        (
            "CN-14",
            answers(|_, answer| {
                answer.headers.remove("vary");
            }),
        ),
        ("CN-21", refuses(|it| without(it, "source"))),
    ]);
}

#[test]
fn bodies_that_are_read_carelessly_are_found() {
    are_found(&[
        (
            "CN-6",
            reads(|asked| {
                if asked
                    .content_type
                    .as_ref()
                    .is_some_and(|it| it.contains("charset"))
                {
                    asked.content_type = Some(JSON_API.to_owned());
                }
            }),
        ),
        (
            "CN-7",
            reads(|asked| {
                if asked
                    .content_type
                    .as_ref()
                    .is_some_and(|it| it.contains("unknown"))
                {
                    asked.content_type = Some(JSON_API.to_owned());
                }
            }),
        ),
        (
            "CN-15",
            reads(|asked| {
                if says(asked, "invalid/unknown") {
                    asked.content_type = Some(format!("{JSON_API};ext=\"unknown\""));
                }
            }),
        ),
        (
            "CN-19",
            reads(|asked| {
                asked
                    .content_type
                    .get_or_insert_with(|| JSON_API.to_owned());
            }),
        ),
        (
            "EX-6",
            reads(|asked| {
                if asked.path == "/operations" {
                    asked.content_type = Some(ATOMIC.to_owned());
                }
            }),
        ),
    ]);
}

#[test]
fn an_accept_that_is_read_carelessly_is_found() {
    are_found(&[
        (
            "CN-8",
            reads(|asked| {
                let accept = asked.accept.take().unwrap_or_default();
                asked.accept = accept.split(", ").next().map(str::to_owned);
            }),
        ),
        (
            "CN-9",
            reads(|asked| {
                if asked.accept.as_ref().is_some_and(|it| it.contains("*/*")) {
                    asked.accept = None;
                }
            }),
        ),
        (
            "CN-10",
            reads(|asked| {
                asked.accept = asked.accept.take().filter(|it| !it.contains("unknown"));
            }),
        ),
        (
            "CN-11",
            reads(|asked| {
                let accept = asked.accept.take().unwrap_or_default();
                asked.accept = accept.split(", ").next().map(str::to_owned);
            }),
        ),
        (
            "CN-13",
            reads(|asked| {
                let accept = asked.accept.take();
                asked.accept =
                    accept.map(|it| it.replace("profile=\"https://conf", "ext=\"https://conf"));
            }),
        ),
        (
            "CN-16",
            reads(|asked| {
                asked.accept = asked.accept.take().map(|it| it.replace(";q=0", ";Q=1"));
            }),
        ),
        (
            "CN-17",
            reads(|asked| {
                asked.accept.get_or_insert_with(|| "text/html".to_owned());
            }),
        ),
        (
            "CN-18",
            reads(|asked| asked.accept = asked.accept.take().filter(|it| it != "text/html")),
        ),
        (
            "CN-20",
            reads(|asked| {
                asked.accept = asked.accept.take().map(|it| it.replace('A', "x"));
            }),
        ),
    ]);
}
