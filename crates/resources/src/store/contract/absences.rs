//! What a unit demands not to be there after its writes.

use super::*;
use crate::query::TextMatch;
use crate::schema::Kinds;

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
            Err(other) => panic!("{other}"),
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
            stored: None,
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
