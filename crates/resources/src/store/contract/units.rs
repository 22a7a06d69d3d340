//! Several writes in one unit, and several units at once.

use super::*;
use crate::query::TextMatch;
use crate::schema::Kinds;

pub async fn a_unit_is_done_wholly_or_not_at_all(store: AnyStore) {
    let resource_type = things(&store).await;
    let text = "type: others\nid: string\nattributes: {type: object}\n";
    let others = prepared(&store, text).await;
    let kept = insert(&store, &resource_type, json!({"n": 1})).await.id;
    let absent = fresh_id(&resource_type);
    let writes = |last: Write| {
        vec![
            insertion(&others, Id::String("o".to_owned()), json!({})),
            update(&resource_type, &kept, json!({"n": 2})),
            last,
        ]
    };
    let refused = unit(&store, writes(deletion(&resource_type, &absent))).await;
    assert_eq!(refused, Err((2, Refusal::Absent(absent))));
    assert_eq!(found(&store, &resource_type, &kept).await, json!({"n": 1}));
    assert_eq!(
        page(&store, &others, 0, 5).await.total,
        Some(Total::Exact(0))
    );
    let done = unit(&store, writes(deletion(&resource_type, &kept)))
        .await
        .unwrap();
    assert_eq!(done.len(), 3);
    assert_eq!(
        page(&store, &resource_type, 0, 5).await.total,
        Some(Total::Exact(0))
    );
    assert_eq!(
        page(&store, &others, 0, 5).await.total,
        Some(Total::Exact(1))
    );
}

pub async fn a_write_sees_those_before_it_in_the_unit(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = fresh_id(&resource_type);
    let writes = vec![
        insertion(&resource_type, id.clone(), json!({"a": 1})),
        update(&resource_type, &id, json!({"b": 2})),
        deletion(&resource_type, &id),
        insertion(&resource_type, id.clone(), json!({"c": 3})),
    ];
    assert_eq!(unit(&store, writes).await.unwrap().len(), 4);
    assert_eq!(found(&store, &resource_type, &id).await, json!({"c": 3}));
}

pub async fn a_unit_without_writes_does_nothing(store: AnyStore) {
    things(&store).await;
    assert_eq!(unit(&store, Vec::new()).await, Ok(Vec::new()));
}

pub async fn a_unit_can_demand_that_a_resource_exists(store: AnyStore) {
    let resource_type = things(&store).await;
    let authors = prepared(&store, "type: authors\nattributes: {type: object}\n").await;
    let author = insert(&store, &authors, json!({"n": 1})).await;
    let (thing, absent) = (fresh_id(&resource_type), fresh_id(&authors));
    let writes = |author: &Id| {
        vec![
            insertion(&resource_type, thing.clone(), json!({})),
            Write::exists(&authors, author.clone()),
        ]
    };
    let refused = unit(&store, writes(&absent)).await;
    assert_eq!(refused, Err((1, Refusal::Absent(absent))));
    assert_eq!(find(&store, &resource_type, &thing).await, None);
    let done = unit(&store, writes(&author.id)).await.unwrap();
    assert_eq!(done[1], Written::Unchanged);
    assert_eq!(find(&store, &authors, &author.id).await, Some(author));
    assert!(find(&store, &resource_type, &thing).await.is_some());
}

pub async fn concurrent_updates_lose_nothing(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({})).await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let store = store.clone();
        let change = update(&resource_type, &id, json!({ format!("a{n}"): n }));
        tasks.spawn(async move { one(&store, change).await.unwrap() });
    }
    tasks.join_all().await;
    let value = found(&store, &resource_type, &id).await;
    assert_eq!(value.as_object().unwrap().len(), 40);
}

pub async fn concurrent_links_lose_and_double_nothing(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({"tags": [100]}))
        .await
        .id;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let mut link = update(&resource_type, &id, json!({}));
        link.change = Change::Link {
            relationship: "tags".to_owned(),
            add: vec![json!(n % 20)],
            remove: vec![json!(100 + n)],
        };
        let store = store.clone();
        tasks.spawn(async move { one(&store, link).await.unwrap() });
    }
    tasks.join_all().await;
    let value = found(&store, &resource_type, &id).await;
    let tags = value["tags"].as_array().unwrap().iter();
    let mut tags: Vec<i64> = tags.map(|tag| tag.as_i64().unwrap()).collect();
    tags.sort_unstable();
    assert_eq!(tags, (0..20).collect::<Vec<_>>());
}

pub async fn of_concurrent_inserts_of_one_id_exactly_one_is_done(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = fresh_id(&resource_type);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let store = store.clone();
        let insertion = insertion(&resource_type, id.clone(), json!({"n": n}));
        tasks.spawn(async move { one(&store, insertion).await });
    }
    let outcomes = tasks.join_all().await;
    let taken = Err(Refusal::IdTaken(id));
    let refused = outcomes.iter().filter(|outcome| **outcome == taken);
    assert_eq!(refused.count(), 19);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

pub async fn of_concurrent_changes_of_one_version_exactly_one_is_done(store: AnyStore) {
    let resource_type = things(&store).await;
    let stored = insert(&store, &resource_type, json!({"n": 0})).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=20 {
        let mut change = update(&resource_type, &stored.id, json!({"n": n}));
        change.guard.versions = Some(vec![Version::of_text(&stored.text)]);
        let store = store.clone();
        tasks.spawn(async move { one(&store, change).await });
    }
    let outcomes = tasks.join_all().await;
    let done: Vec<&Resource> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Ok(Written::Stored(resource)) => Some(resource),
            Ok(other) => panic!("an update left {other:?}"),
            Err(Refusal::Changed { .. }) => None,
            Err(refusal) => panic!("{refusal}"),
        })
        .collect();
    assert_eq!(done.len(), 1);
    assert_eq!(
        find(&store, &resource_type, &stored.id).await.as_ref(),
        Some(done[0])
    );
}

pub async fn a_unit_under_a_key_that_is_not_remembered_is_not_done(store: AnyStore) {
    let resource_type = things(&store).await;
    let insertion = insertion(&resource_type, fresh_id(&resource_type), json!({"n": 1}));
    let unit = Unit::new(vec![insertion]).with_key("a");
    match store.write(unit).await {
        Err(WriteError::Store(StoreError::Internal(_))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        page(&store, &resource_type, 0, 5).await.total,
        Some(Total::Exact(0))
    );
}

/// Notes that name others, and a unit that deletes the first while nothing may name it.
struct Notes {
    notes: Arc<ResourceType>,
    first: Id,
}

impl Notes {
    async fn new(store: &AnyStore) -> Self {
        let text = "type: notes\nid: integer\nattributes: {type: object}\nrelationships:\n  \
                    next: {type: notes}\n  others: {type: notes, kind: many}\n";
        let notes = prepared(store, text).await;
        let first = insert(store, &notes, json!({})).await.id;
        Self { notes, first }
    }

    fn absences(&self) -> Vec<Absence> {
        let absence = |member| {
            let test = Test::Links(vec![self.first.clone()]);
            Absence {
                resource_type: self.notes.clone(),
                filter: Filter::member(MemberPath::linkage(member), test),
            }
        };
        vec![absence("next"), absence("others")]
    }

    /// Deletes the first after these writes.
    async fn delete(
        &self,
        store: &AnyStore,
        mut writes: Vec<Write>,
    ) -> Result<(), (usize, Refusal)> {
        writes.push(deletion(&self.notes, &self.first));
        let unit = Unit::new(writes).with_absences(self.absences());
        match store.write(unit).await {
            Ok(_) => Ok(()),
            Err(WriteError::Refused { index, refusal }) => Err((index, refusal)),
            Err(WriteError::Store(error)) => panic!("{error}"),
        }
    }
}

pub async fn a_unit_is_not_done_while_something_is_there_that_must_not_be(store: AnyStore) {
    let on = Notes::new(&store).await;
    let first = on.first.to_member();
    for naming in [json!({"next": first}), json!({"others": [7, first]})] {
        let naming = insert(&store, &on.notes, naming).await.id;
        let before = update(&on.notes, &naming, json!({"n": 1}));
        let refused = on.delete(&store, vec![before]).await;
        assert_eq!(refused, Err((1, Refusal::Referenced("notes".to_owned()))));
        assert!(find(&store, &on.notes, &on.first).await.is_some());
        assert_eq!(found(&store, &on.notes, &naming).await.get("n"), None);
        one(&store, deletion(&on.notes, &naming)).await.unwrap();
    }
    assert_eq!(on.delete(&store, Vec::new()).await, Ok(()));
}

pub async fn a_unit_may_demand_any_absence_that_a_filter_says(store: AnyStore) {
    let resource_type = things(&store).await;
    insert(&store, &resource_type, json!({"name": "ÉCLAIR"})).await;
    for (text, is_there) in [("éclair", true), ("eclair", false)] {
        let path = MemberPath {
            names: vec!["name".to_owned()],
            kinds: Kinds::ANY,
        };
        let test = Test::Text {
            relation: TextMatch::Equals,
            ignores_case: true,
            text: text.to_owned(),
        };
        let absence = Absence {
            resource_type: resource_type.clone(),
            filter: Filter::member(path, test),
        };
        // No write is needed to demand something.
        let unit = Unit::new(Vec::new()).with_absences(vec![absence]);
        let outcome = store.write(unit).await;
        let is_refused = matches!(
            outcome,
            Err(WriteError::Refused {
                index: 0,
                refusal: Refusal::Referenced(_)
            })
        );
        assert_eq!(is_refused, is_there, "{text}: {outcome:?}");
    }
}

pub async fn what_must_be_absent_is_looked_for_after_the_writes_of_the_unit(store: AnyStore) {
    let on = Notes::new(&store).await;
    let first = on.first.to_member();
    let one = insert(&store, &on.notes, json!({"next": first})).await.id;
    let two = insert(&store, &on.notes, json!({"others": [first]}))
        .await
        .id;
    let linked = update(&on.notes, &one, json!({"next": first}));
    let cleared = update(&on.notes, &one, json!({"next": null}));
    let gone = deletion(&on.notes, &two);
    let refused = on
        .delete(&store, vec![cleared.clone(), gone.clone(), linked])
        .await;
    assert_eq!(refused, Err((3, Refusal::Referenced("notes".to_owned()))));
    assert_eq!(on.delete(&store, vec![cleared, gone]).await, Ok(()));
    assert_eq!(find(&store, &on.notes, &on.first).await, None);
    assert_eq!(found(&store, &on.notes, &one).await, json!({"next": null}));
}

pub async fn of_linking_and_deleting_at_once_no_link_leads_nowhere(store: AnyStore) {
    for _ in 0..10 {
        let on = Arc::new(Notes::new(&store).await);
        let naming = insert(&store, &on.notes, json!({})).await.id;
        let first = on.first.to_member();
        let link = vec![
            update(&on.notes, &naming, json!({"next": first})),
            Write::exists(&on.notes, on.first.clone()),
        ];
        let (linking, deleting) = (store.clone(), store.clone());
        let linked = tokio::spawn(async move { unit(&linking, link).await.map(drop) });
        let owner = on.clone();
        let deleted = tokio::spawn(async move { owner.delete(&deleting, Vec::new()).await });
        let (linked, deleted) = (linked.await.unwrap(), deleted.await.unwrap());
        assert_ne!(linked.is_ok(), deleted.is_ok(), "{linked:?} {deleted:?}");
        let is_there = find(&store, &on.notes, &on.first).await.is_some();
        let next = found(&store, &on.notes, &naming).await["next"].clone();
        assert_eq!((is_there, next == first), (linked.is_ok(), linked.is_ok()));
    }
}

pub async fn a_replacement_keeps_the_members_that_it_says(store: AnyStore) {
    let resource_type = things(&store).await;
    let id = insert(&store, &resource_type, json!({"a": 1, "kept": [1], "n": 1}))
        .await
        .id;
    let mut write = replacement(&resource_type, &id, json!({"a": 2}));
    write.kept = vec!["kept".to_owned(), "absent".to_owned()];
    write.stamps = attributes(json!({"at": 1}));
    one(&store, write.clone()).await.unwrap();
    let after = json!({"a": 2, "kept": [1], "at": 1});
    assert_eq!(found(&store, &resource_type, &id).await, after);
    write.id = fresh_id(&resource_type);
    let refused = one(&store, write.clone()).await;
    assert_eq!(refused, Err(Refusal::Absent(write.id)));
}
