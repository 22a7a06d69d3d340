//! The probes of a server, and what is true of each of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Server};

impl Server {
    /// The attributes of a probe's document, asked on both ports.
    pub(crate) async fn probe(&self, name: &str) -> [Value; 2] {
        let path = format!("/{name}");
        let main = Answer::to(self.request(Method::GET, &path)).await;
        let admin = Answer::to(self.admin_request(Method::GET, &path)).await;
        [main, admin].map(|answer| {
            let data = answer.data(200);
            assert_eq!((&data["type"], &data["id"]), (&json!(name), &json!("0")));
            assert_eq!(answer.header("cache-control"), "no-store");
            data["attributes"].clone()
        })
    }
}
