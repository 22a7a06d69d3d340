//! Filters, orders and lists across relationships.

use super::*;

pub async fn resources_are_found_through_their_relationships(store: AnyStore) {
    let (
        Library {
            authors,
            books,
            tags,
        },
        _,
    ) = filled(&store).await;
    let author = || through(&books, "author");
    let tagged = |filter| related(through(&books, "tags"), filter);
    let by = |filter| related(author(), filter);
    let in_book = |filter| related(through(&tags, "books"), filter);
    let wrote = |filter| related(through(&authors, "books"), filter);
    let loved = |filter| related(through(&books, "fans"), filter);
    for (resource_type, filter, expected) in [
        (&books, by(Filter::Everything), vec![0, 1, 2]),
        (&books, by(named("name", "Ann")), vec![0, 1, 2]),
        (&books, not(by(named("name", "Ann"))), vec![3, 4]),
        (&books, by(not(named("name", "Ann"))), vec![]),
        (&books, tagged(Filter::Everything), vec![0, 1, 3]),
        (&books, tagged(named("label", "new")), vec![0, 1]),
        (&books, not(tagged(named("label", "new"))), vec![2, 3, 4]),
        (&books, loved(named("name", "Ann")), vec![3]),
        (&authors, wrote(Filter::Everything), vec![20]),
        (&authors, wrote(tagged(named("label", "Old"))), vec![20]),
        (&authors, not(wrote(Filter::Everything)), vec![21]),
        (&tags, in_book(Filter::Everything), vec![10, 11, 12]),
        (&tags, in_book(by(Filter::Everything)), vec![10, 11]),
        (&tags, in_book(loved(Filter::Everything)), vec![12]),
        (&tags, not(in_book(by(named("name", "Ann")))), vec![12]),
    ] {
        let found = passing(&store, resource_type, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn resources_are_found_by_the_ids_that_they_name(store: AnyStore) {
    let (library, ids) = filled(&store).await;
    let links =
        |member: &str, ids: Vec<Id>| Filter::member(MemberPath::linkage(member), Test::Links(ids));
    let tag = |text: &str| Id::String(text.to_owned());
    for (filter, expected) in [
        (
            links("author", vec![Id::Integer(99), Id::Integer(7)]),
            vec![3],
        ),
        (links("tag ids", vec![tag("gone"), tag("c")]), vec![1, 3]),
        (not(links("tag ids", vec![tag("b")])), vec![2, 3, 4]),
        (links("tag ids", Vec::new()), vec![]),
    ] {
        let found = passing(&store, &library.books, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
    let favourite = links("favouriteBook", vec![ids[3].clone()]);
    assert_eq!(passing(&store, &library.authors, favourite).await, [20]);
}

pub async fn related_resources_are_counted(store: AnyStore) {
    let (
        Library {
            authors,
            books,
            tags,
        },
        _,
    ) = filled(&store).await;
    for (resource_type, name, comparison, count, expected) in [
        (&books, "tags", Comparison::Equal, 2, vec![0, 1]),
        (&books, "tags", Comparison::Less, 1, vec![2, 4]),
        (&books, "fans", Comparison::Greater, 0, vec![3]),
        (&authors, "books", Comparison::Equal, 3, vec![20]),
        (&authors, "books", Comparison::LessOrEqual, 0, vec![21]),
        (&tags, "books", Comparison::GreaterOrEqual, 2, vec![11]),
        (
            &tags,
            "books",
            Comparison::GreaterOrEqual,
            0,
            vec![10, 11, 12],
        ),
    ] {
        let filter = Filter::Count {
            relationship: through(resource_type, name),
            comparison,
            number: count,
        };
        let found = passing(&store, resource_type, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn resources_are_sorted_by_members_of_related_ones(store: AnyStore) {
    let (Library { authors, books, .. }, _) = filled(&store).await;
    let (author, favourite) = (through(&books, "author"), through(&authors, "favourite"));
    let through_to = |through: Vec<Arc<Relationship>>, name: &str| {
        let path = at(&[name]);
        KeyPath::Member { through, path }
    };
    let name = through_to(vec![author.clone()], "name");
    let title = through_to(vec![author, favourite], "title");
    for (key, descending, expected) in [
        (name.clone(), false, [3, 4, 0, 1, 2]),
        (name, true, [0, 1, 2, 3, 4]),
        (title, false, [3, 4, 0, 1, 2]),
    ] {
        let query = sorted(vec![by(key, descending), by(member(&["title"]), false)]);
        assert_eq!(listed(&store, &books, &query).await, expected);
    }
}

pub async fn related_resources_are_listed_for_many_at_once(store: AnyStore) {
    let (
        Library {
            authors,
            books,
            tags,
        },
        _,
    ) = filled(&store).await;
    let query = Query {
        filter: not(named("title", "t1")),
        order: Order {
            keys: vec![by(member(&["title"]), true)],
        },
        ..Query::first(1)
    };
    let ids = [
        Id::Integer(2),
        Id::Integer(1),
        Id::Integer(99),
        Id::Integer(1),
    ];
    let wrote = through(&authors, "books");
    let pages = store.related(&books, &wrote, &ids, &query).await.unwrap();
    let found: Vec<_> = pages.iter().map(seen).collect();
    let none = (vec![], false, Some(Total::Exact(0)));
    let two = (vec![2], true, Some(Total::Exact(2)));
    let gone = (vec![3], false, Some(Total::Exact(1)));
    assert_eq!(found, [none, two.clone(), gone, two]);

    let ids = ["b", "c", "nowhere"].map(|id| tags.id.parse(id).unwrap());
    let tagged = through(&tags, "books");
    let query = Query::first(5);
    let pages = store.related(&books, &tagged, &ids, &query).await.unwrap();
    let found: Vec<_> = pages.iter().map(|page| seen(page).0).collect();
    assert_eq!(found, [vec![0, 1], vec![3], vec![]]);
    let none = store.related(&books, &tagged, &[], &query).await;
    assert!(none.unwrap().is_empty());
}

fn seen(page: &Page) -> (Vec<i64>, bool, Option<Total>) {
    let numbers = page.resources.iter().map(number).collect();
    (numbers, page.more, page.total)
}
