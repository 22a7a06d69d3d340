//! Invented contacts for a first look: names, numbers and places that belong to nobody.

use std::sync::Arc;

use resources::query::{Pagination, Query};
use resources::schema::{Attributes, ResourceType};
use resources::store::Store;
use transfer::{ImportError, ImportOptions, Importer, OnError, Row, Rows};

use crate::failure::Failure;

const COUNT: u64 = 500;

const FIRST_NAMES: [&str; 20] = [
    "Ada", "Bruno", "Carla", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko",
    "Liam", "Mira", "Nils", "Olga", "Pavel", "Rosa", "Sami", "Tara", "Yusuf",
];
const LAST_NAMES: [&str; 25] = [
    "Abel",
    "Brandt",
    "Castell",
    "Dorn",
    "Ekholm",
    "Farrow",
    "Gessner",
    "Halden",
    "Ibarra",
    "Jansen",
    "Kellner",
    "Lindqvist",
    "Moreau",
    "Novak",
    "Ortega",
    "Petrov",
    "Quist",
    "Rosen",
    "Silva",
    "Tanaka",
    "Ulmer",
    "Vidal",
    "Winter",
    "Yilmaz",
    "Zeller",
];
const TRADES: [&str; 8] = [
    "Bakery",
    "Carpentry",
    "Printing",
    "Optics",
    "Logistics",
    "Gardens",
    "Instruments",
    "Books",
];
const STREETS: [&str; 10] = [
    "Alder Lane",
    "Bridge Street",
    "Canal Road",
    "Dove Court",
    "Elm Avenue",
    "Foundry Row",
    "Garden Terrace",
    "Harbor Drive",
    "Mill Hill",
    "Orchard Way",
];
/// City, county, state and the first three digits of the ZIP code.
const PLACES: [[&str; 4]; 8] = [
    ["Ashby Falls", "Marlow", "ME", "049"],
    ["Birchport", "Calder", "OR", "974"],
    ["Clearmont", "Denholm", "TX", "766"],
    ["Dunmore Bay", "Esk", "WA", "985"],
    ["Eastwick", "Fenwick", "OH", "446"],
    ["Fairlea", "Garth", "VA", "229"],
    ["Glenrock", "Hollis", "CO", "806"],
    ["Hartfield", "Innes", "MN", "559"],
];

/// Fills the contacts collection if it is empty; one that has data is never touched.
pub(crate) async fn fill(repository: &dyn Store, of: &Arc<ResourceType>) -> Result<(), Failure> {
    let first = Query {
        page: Pagination { number: 1, size: 1 },
    };
    let present = repository.list(of, &first).await?.total;
    if present > 0 {
        tracing::info!(
            present,
            "there are contacts already: no sample data is added"
        );
        return Ok(());
    }
    let mut rejections = Vec::new();
    let importer = Importer {
        repository,
        of,
        on_error: OnError::Stop,
        options: ImportOptions::default(),
        rejected: &mut |row, reason| rejections.push(format!("contact {row}: {reason}")),
        progress: &mut |_| {},
    };
    let rows: Rows<'_> = Box::new((0..COUNT).map(|number| {
        Ok(Row {
            line: number + 1,
            bytes: 0,
            object: Ok(contact(number)),
        })
    }));
    match importer.run(rows).await {
        Ok(summary) if summary.rejected == 0 => {
            tracing::info!(stored = summary.stored, "sample contacts stored");
            Ok(())
        }
        Ok(_) => Err(Failure::settings(format!(
            "the sample data does not fit the definition of 'contacts': {}",
            rejections.join("; ")
        ))),
        Err(ImportError::Store { error, .. }) => Err(error.into()),
        Err(error) => Err(Failure::internal(error.to_string())),
    }
}

/// The same contact for the same number at every start. Twenty first and 25 last names make 500
/// different people.
fn contact(number: u64) -> Attributes {
    let first = pick(&FIRST_NAMES, number);
    let last = pick(&LAST_NAMES, number / 20);
    let company = format!(
        "{} {}",
        pick(&LAST_NAMES, scatter(number, 1)),
        pick(&TRADES, number)
    );
    let [city, county, state, zip] = pick(&PLACES, scatter(number, 2));
    let house = 1 + scatter(number, 3) % 9899;
    let (first_mail, last_mail) = (first.to_ascii_lowercase(), last.to_ascii_lowercase());
    let site = company.to_ascii_lowercase().replace(' ', "-");
    // 555-0100 to 555-0199 and the domains under .example are set aside for invented examples.
    let phone = |salt| {
        format!(
            "{}-555-01{:02}",
            201 + scatter(number, salt) % 700,
            number % 100
        )
    };
    let members = [
        ("firstName", first.to_owned()),
        ("lastName", last.to_owned()),
        ("companyName", company),
        (
            "address",
            format!("{house} {}", pick(&STREETS, scatter(number, 4))),
        ),
        ("city", city.to_owned()),
        ("county", county.to_owned()),
        ("state", state.to_owned()),
        ("zip", format!("{zip}{:02}", scatter(number, 5) % 100)),
        ("phone1", phone(6)),
        ("phone2", phone(7)),
        ("email", format!("{first_mail}.{last_mail}@{site}.example")),
        ("website", format!("http://www.{site}.example")),
    ];
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn pick<T: Copy>(choices: &[T], number: u64) -> T {
    let position = usize::try_from(number % choices.len() as u64).unwrap_or_default();
    choices[position]
}

/// Spreads numbers that follow each other; multiplier and shifts are those of `SplitMix64`
/// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn scatter(number: u64, salt: u64) -> u64 {
    let mut bits = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.rotate_left(32);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn sample_contacts_have_all_attributes_and_are_all_different() {
        let declared = resources::schema::contacts();
        let declared: Vec<&str> = declared.attributes.declared().collect();
        let mut people = HashSet::new();
        for number in 0..COUNT {
            let contact = contact(number);
            assert_eq!(contact.keys().collect::<Vec<_>>(), declared);
            people.insert((
                contact["firstName"].to_string(),
                contact["lastName"].to_string(),
            ));
        }
        assert_eq!(people.len(), 500);
    }
}
