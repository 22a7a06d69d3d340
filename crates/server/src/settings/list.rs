//! Makes the settings of their list.

use super::Effective;
use super::value::SettingValue;
use crate::redaction::without_password;

/// Makes the struct, its reading and its description from one list.
macro_rules! settings {
    ($( $group:literal { $(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty = $default:literal $(from $least:literal to $most:literal)?
            $(also $variable:literal)? $(, $secret:ident)?;
    )+ } )+) => {
        /// The settings of a process, each within its bounds.
        #[derive(Debug, Clone)]
        pub(crate) struct Settings {
            $( $( $(#[doc = $doc])+ pub(crate) $name: $type, )+ )+
        }

        impl Settings {
            /// All settings, in the order of the list.
            pub(crate) const ALL: &[$crate::settings::Setting] = &[
                $( $( $crate::settings::Setting {
                    name: stringify!($name),
                    group: $group,
                    kind: <$type as $crate::settings::value::SettingValue>::KIND,
                    doc: concat!($($doc, "\n"),+),
                    default: $default,
                    bounds: settings!(@bounds $($least $most)?),
                    variable: settings!(@variable $($variable)?),
                    secret: settings!(@secret $($secret)?),
                }, )+ )+
            ];

            /// Reads every value, or says of each bad one what is wrong with it.
            pub(in crate::settings) fn parse(values: &[$crate::settings::Effective]) -> Result<Self, Vec<String>> {
                let mut problems = Vec::new();
                let mut values = values.iter();
                $( $(
                    let parse = settings!(@parse $type, $($least $most)?);
                    let $name = $crate::settings::list::read(values.next(), parse, &mut problems);
                )+ )+
                match ($($($name,)+)+) {
                    ($($(Some($name),)+)+) => Ok(Self { $($($name),+),+ }),
                    _ => Err(problems),
                }
            }
        }
    };
    (@bounds) => { None };
    (@bounds $least:literal $most:literal) => { Some(($least, $most)) };
    (@parse $type:ty,) => { <$type as $crate::settings::value::SettingValue>::parse };
    (@parse $type:ty, $least:literal $most:literal) => {
        |text: &str| $crate::settings::list::within::<$type>(text, $least, $most)
    };
    (@variable) => { None };
    (@variable $variable:literal) => { Some($variable) };
    (@secret) => { false };
    (@secret secret) => { true };
}

pub(super) use settings;

/// Parses a value that must not be less than `least` nor more than `most`.
pub(super) fn within<T: SettingValue + PartialOrd>(
    text: &str,
    least: &str,
    most: &str,
) -> Result<T, String> {
    let value = T::parse(text)?;
    let holds = T::parse(least).is_ok_and(|least| least <= value)
        && T::parse(most).is_ok_and(|most| value <= most);
    if holds {
        Ok(value)
    } else {
        Err(format!("is not from {least} to {most}"))
    }
}

pub(super) fn read<T>(
    value: Option<&Effective>,
    parse: impl Fn(&str) -> Result<T, String>,
    problems: &mut Vec<String>,
) -> Option<T> {
    let value = value?;
    match parse(&value.text) {
        Ok(parsed) => Some(parsed),
        Err(reason) => {
            let (name, origin) = (value.setting.name, &value.origin);
            let shown = if value.setting.secret {
                format!("'…' {reason}")
            } else {
                // The reason may repeat the value.
                without_password(&format!("'{}' {reason}", value.text), &value.text)
            };
            problems.push(format!("the setting '{name}' ({origin}): {shown}"));
            None
        }
    }
}
