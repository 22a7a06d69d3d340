//! `fields[TYPE]`: <https://jsonapi.org/format/1.1/#fetching-sparse-fieldsets>.

use super::Parameters;
use super::path::check_name;
use crate::Error;

/// The fields that are asked for, by type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Fieldsets(Vec<(String, Vec<String>)>);

impl Fieldsets {
    /// The attributes and relationships that resources of this type show; none of them when the
    /// list is empty, all when the type is not restricted.
    #[must_use]
    pub fn of(&self, resource_type: &str) -> Option<&[String]> {
        let (_, fields) = self.0.iter().find(|(known, _)| known == resource_type)?;
        Some(fields)
    }

    /// Each restricted type with its fields, as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(name, fields)| (name.as_str(), fields.as_slice()))
    }

    /// Whether no type is restricted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Parameters {
    /// Takes every `fields[TYPE]`. An empty value shows no fields of that type.
    ///
    /// # Errors
    /// 400 for a misspelt type or field. Unknown ones are the caller's to refuse.
    pub fn take_fields(&mut self) -> Result<Fieldsets, Error> {
        let mut sets = Vec::new();
        for parameter in self.take_family("fields", |keys| keys.len() == 1) {
            let (name, value) = (&parameter.name, &parameter.value);
            let (start, key) = parameter.keys()[0];
            check_name(key, start).map_err(|mistake| mistake.in_parameter(name, name))?;
            let mut fields: Vec<String> = Vec::new();
            let mut at = 0;
            for field in value.split(',').filter(|_| !value.is_empty()) {
                check_name(field, at).map_err(|mistake| mistake.in_parameter(name, value))?;
                if !fields.iter().any(|known| known == field) {
                    fields.push(field.to_owned());
                }
                at += field.len() + 1;
            }
            sets.push((key.to_owned(), fields));
        }
        Ok(Fieldsets(sets))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    fn fields(query: &str) -> Result<Fieldsets, Error> {
        let mut parameters = Parameters::parse(Some(query))?;
        let sets = parameters.take_fields()?;
        parameters.finish()?;
        Ok(sets)
    }

    #[test]
    fn sf_1_and_2_fields_are_taken_by_type_and_may_be_none() {
        let sets = fields("fields[articles]=title,author,title&fields%5Bpeople%5D=").unwrap();
        assert_eq!(sets.of("articles").unwrap(), ["title", "author"]);
        assert_eq!(sets.of("people").unwrap(), [""; 0]);
        assert_eq!(sets.of("tags"), None);
        assert!(fields("").unwrap().is_empty());
        assert_eq!(sets.iter().count(), 2);
    }

    #[test]
    fn sf_6_and_qp_5_what_can_be_no_fieldset_is_refused_by_name() {
        for name in [
            "fields",
            "fields[]",
            "fields[a][b]",
            "fields[a",
            "fields[_]",
        ] {
            let error = fields(&format!("{name}=x")).unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter(name.into())), "{name}");
        }
        for value in ["a,,b", ",", "a.b", " a"] {
            let error = fields(&format!("fields[a]={value}")).unwrap_err();
            assert_eq!(
                error.source,
                Some(Source::Parameter("fields[a]".into())),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_fieldset_is_read_or_refused(text in "[a-c.,é\\[\\]]{0,12}") {
            let _ = fields(&format!("fields[a]={text}&fields[{text}]=a"));
        }
    }
}
