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
