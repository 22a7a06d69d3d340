//! Generated documents and queries, answered by the store and by the reference.

mod documents;
mod filters;
mod queries;
mod random;

use self::documents::Shelves;
use self::queries::Queries;
use self::random::Random;
use super::library::Library;
use std::collections::HashMap;

use super::*;
use crate::query::NoRelated;
use crate::schema::Link;

/// Where the first query of a clause begins; the following ones count on from it.
const SEED: u64 = 20_140_701;

/// Queries of each kind.
const QUERIES: u64 = 300;

pub async fn generated_queries_are_answered_as_the_reference_answers_them(store: AnyStore) {
    let shelves = Shelves::filled(&store).await;
    for seed in SEED..SEED + QUERIES {
        let mut random = Random::new(seed);
        let resource_type = random.pick(&shelves.library.types()).clone();
        let query = Queries::new(&mut random, &shelves).query(&resource_type);
        let expected = shelves.world.list(&resource_type.collection, &query);
        let page = whole(store.list(&resource_type, &query).await.unwrap()).await;
        let problem = shelves.difference(&resource_type, &page, &expected, &query);
        let name = &resource_type.name;
        assert_eq!(problem, None, "seed {seed}, {name}: {query:#?}");
    }
}

pub async fn generated_relationships_are_listed_as_the_reference_lists_them(store: AnyStore) {
    let shelves = Shelves::filled(&store).await;
    let library = &shelves.library;
    let mut inverses = Vec::new();
    for owner in library.types() {
        let all = owner.relationships.iter();
        let all = all.filter(|one| matches!(one.link, Link::Inverse { .. }));
        inverses.extend(all.map(|one| (owner.clone(), one.clone())));
    }
    for seed in SEED..SEED + QUERIES / 3 {
        let mut random = Random::new(seed);
        let (owner, relationship) = random.pick(&inverses).clone();
        let target = library.target(&relationship);
        let ids: Vec<Id> = (0..random.below(9))
            .map(|_| shelves.id(&mut random, &owner))
            .collect();
        let query = Queries::new(&mut random, &shelves).of_relationship(&target);
        let pages = store.related(&target, &relationship, &ids, &query).await;
        let pages = pages.unwrap();
        assert_eq!(pages.len(), ids.len(), "seed {seed}");
        for (id, page) in ids.iter().zip(pages) {
            let world = &shelves.world;
            let expected = world.related_to(&target.collection, &relationship, id, &query);
            let problem = shelves.difference(&target, &page, &expected, &query);
            let name = &relationship.name;
            assert_eq!(problem, None, "seed {seed}, {name} of {id}: {query:#?}");
        }
    }
}

pub async fn generated_scopes_hide_what_the_reference_hides(store: AnyStore) {
    let shelves = Shelves::filled(&store).await;
    for seed in SEED..SEED + QUERIES / 3 {
        let mut random = Random::new(seed);
        let resource_type = random.pick(&shelves.library.types()).clone();
        let scope = Queries::new(&mut random, &shelves)
            .query(&resource_type)
            .filter;
        let all = shelves.all(&resource_type);
        let ids: Vec<Id> = all.iter().map(|one| one.id.clone()).collect();
        let found = store.find(&resource_type, &ids, &scope).await.unwrap();
        for (one, found) in all.iter().zip(found) {
            let passes = shelves
                .world
                .passes(&resource_type.collection, &one.id, &scope);
            let expected = passes.then(|| one.clone());
            assert_eq!(found, expected, "seed {seed}: {scope:#?}");
            if scope.is_local() {
                let members: Value = serde_json::from_str(&one.text).unwrap();
                assert_eq!(scope.matches(&one.id, &members, &NoRelated), passes);
            }
        }
    }
}

/// The page with what it left for later.
async fn whole(mut page: Page) -> Page {
    if let Some(mut rest) = page.rest.take() {
        while let Some(batch) = rest.next().await.unwrap() {
            for one in batch.iter() {
                Arc::make_mut(&mut page.resources).push(one.id.clone(), one.text);
            }
        }
    }
    page
}
