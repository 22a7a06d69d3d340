//! Several writes in one unit, and several units at once.

use super::*;

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
