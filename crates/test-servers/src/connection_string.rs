//! Connection strings with another host, database or option than they have.

use std::fmt;

/// `scheme://credentials@hosts/database?options`, where the options are kept as they stand.
#[derive(Debug, Clone)]
pub struct ConnectionString {
    scheme: String,
    /// With the `@`.
    credentials: String,
    hosts: String,
    database: String,
    options: Vec<(String, String)>,
}

impl ConnectionString {
    pub fn parsed(uri: &str) -> Self {
        let (scheme, rest) = uri.split_once("://").expect("a connection string");
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        // A password has no bare `@` or `/`.
        let (credentials, place) = match place.rsplit_once('@') {
            Some((credentials, place)) => (format!("{credentials}@"), place),
            None => (String::new(), place),
        };
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let option = |option: &str| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            (name.to_owned(), value.to_owned())
        };
        let options = options.split('&').filter(|option| !option.is_empty());
        Self {
            scheme: scheme.to_owned(),
            credentials,
            hosts: hosts.to_owned(),
            database: database.to_owned(),
            options: options.map(option).collect(),
        }
    }

    /// The first of the hosts.
    pub fn host(&self) -> &str {
        self.hosts.split(',').next().unwrap_or_default()
    }

    /// Sets an option. Drivers refuse an option that is there twice, so an earlier value goes.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        let is_it = |it: &str| it.eq_ignore_ascii_case(name);
        self.options.retain(|(it, _)| !is_it(it));
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn credentials(mut self, user: &str, password: &str) -> Self {
        self.credentials = format!("{user}:{password}@");
        // The mechanism of the credentials before may not fit these.
        let is_other = |it: &str| it.to_ascii_lowercase().starts_with("authmechanism");
        self.options.retain(|(it, _)| !is_other(it));
        self
    }

    pub fn database(mut self, name: &str) -> Self {
        // Without `authSource` the server looks for the user in the database of the path.
        let says = |(it, _): &(String, String)| it.eq_ignore_ascii_case("authSource");
        if !self.credentials.is_empty() && !self.options.iter().any(says) {
            let known = match self.database.as_str() {
                "" => "admin".to_owned(),
                database => database.to_owned(),
            };
            self = self.option("authSource", &known);
        }
        name.clone_into(&mut self.database);
        self
    }

    /// One server alone, under another address than its own.
    pub fn only(mut self, address: &str) -> Self {
        let is_on = |value: &str| value == "true";
        let encrypts = |(it, value): &(String, String)| {
            ["tls", "ssl"].contains(&it.to_ascii_lowercase().as_str()) && is_on(value)
        };
        let is_named = self.scheme == "mongodb+srv";
        if is_named || self.options.iter().any(encrypts) {
            // The certificate is for another address.
            self = self.option("tls", "true").option("tlsInsecure", "true");
        }
        let of_names = ["srvmaxhosts", "srvservicename", "loadbalanced"];
        let is_of_names = |it: &str| of_names.contains(&it.to_ascii_lowercase().as_str());
        self.options.retain(|(it, _)| !is_of_names(it));
        "mongodb".clone_into(&mut self.scheme);
        address.clone_into(&mut self.hosts);
        self.option("directConnection", "true")
    }
}

impl From<String> for ConnectionString {
    fn from(uri: String) -> Self {
        Self::parsed(&uri)
    }
}

impl fmt::Display for ConnectionString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let Self {
            scheme,
            credentials,
            hosts,
            database,
            ..
        } = self;
        let options = options.join("&");
        write!(
            formatter,
            "{scheme}://{credentials}{hosts}/{database}?{options}"
        )
    }
}

#[cfg(test)]
mod tests;
