//! What unique indexes refuse.

use super::*;

pub async fn a_unique_index_refuses_equal_values_but_not_absent_ones(store: AnyStore) {
    let definition = "type: users\nattributes: {type: object}\nindexes:\n\
                      - {attributes: [realm, -mail], unique: true}\n- {attributes: [mail]}\n";
    let resource_type = prepared(&store, definition).await;
    let first = insert(
        &store,
        &resource_type,
        json!({"realm": "a", "mail": "x'\""}),
    )
    .await
    .id;
    insert(
        &store,
        &resource_type,
        json!({"realm": "b", "mail": "x'\""}),
    )
    .await;
    let equal = json!({"realm": "a", "mail": "x'\"", "more": 1});
    let refused = Err(Refusal::NotUnique("realm, mail".to_owned()));
    let again = insertion(&resource_type, fresh_id(&resource_type), equal.clone());
    assert_eq!(one(&store, again).await, refused);
    for absent in [json!({"realm": "a"}), json!({"realm": "a", "mail": null})] {
        insert(&store, &resource_type, absent.clone()).await;
        let last = insert(&store, &resource_type, absent).await.id;
        assert_eq!(
            one(&store, update(&resource_type, &last, equal.clone())).await,
            refused
        );
    }
    one(&store, update(&resource_type, &first, json!({"more": 2})))
        .await
        .unwrap();
}

pub async fn an_index_that_is_no_longer_declared_refuses_nothing(store: AnyStore) {
    let with = "type: users\nattributes: {type: object}\n\
                indexes: [{attributes: [mail], unique: true}]\n";
    let resource_type = prepared(&store, with).await;
    let first = insertion(
        &resource_type,
        fresh_id(&resource_type),
        json!({"mail": "a"}),
    );
    one(&store, first).await.unwrap();
    let again = |resource_type: &Arc<ResourceType>| {
        insertion(resource_type, fresh_id(resource_type), json!({"mail": "a"}))
    };
    assert!(one(&store, again(&resource_type)).await.is_err());
    let resource_type = prepared(&store, "type: users\nattributes: {type: object}\n").await;
    one(&store, again(&resource_type)).await.unwrap();
}

pub async fn a_unique_index_may_take_no_notice_of_case(store: AnyStore) {
    let definition = "type: users\nattributes: {type: object, properties: {mail: {type: string}}}\n\
                      indexes:\n- {attributes: [mail], unique: true, caseInsensitive: true}\n\
                      - {attributes: [home.name, n], unique: true, caseInsensitive: true}\n";
    let users = prepared(&store, definition).await;
    let home = json!({"name": "Ann"});
    let first = json!({"mail": "Ann@example.org", "home": home, "n": 1});
    let first = insert(&store, &users, first).await.id;
    let other = json!({"mail": "ann example.org", "home": home, "n": 2});
    let other = insert(&store, &users, other).await.id;
    let mail = Err(Refusal::NotUnique("mail".to_owned()));
    let name = Err(Refusal::NotUnique("home.name, n".to_owned()));
    for (members, refused) in [
        (json!({"mail": "aNN@EXAMPLE.org"}), &mail),
        (json!({"home": {"name": "ANN"}, "n": 1}), &name),
    ] {
        let write = insertion(&users, fresh_id(&users), members.clone());
        assert_eq!(one(&store, write).await, *refused, "{members}");
        let write = update(&users, &other, members.clone());
        assert_eq!(one(&store, write).await, *refused, "{members}");
        one(&store, update(&users, &first, members)).await.unwrap();
    }
    for fine in [
        json!({"home": {"name": "ANN"}}),
        json!({"mail": "ann@examp1e.org"}),
    ] {
        insert(&store, &users, fine).await;
    }
}
