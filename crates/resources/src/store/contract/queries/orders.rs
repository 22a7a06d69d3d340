//! Orders, and pages that begin or end at a place of one.

use super::*;

pub async fn values_of_all_kinds_stand_in_one_order(store: AnyStore) {
    let all = [
        json!({"v": true}),
        json!({"v": "b"}),
        json!({"v": 9_007_199_254_740_993_i64}),
        json!({"v": false}),
        json!({"v": [1]}),
        json!({"v": "B"}),
        json!({"v": 9_007_199_254_740_992.0}),
        json!({"v": {"a": 1}}),
        json!({"v": "ä"}),
        json!({"v": -1.5}),
        json!({"v": ""}),
        json!({"v": null}),
    ];
    let things = stored(&store, &all).await;
    let mut expected = vec![11, 9, 6, 2, 10, 5, 1, 8, 7, 4, 3, 0];
    for descending in [false, true] {
        let query = sorted(vec![by(member(&["v"]), descending)]);
        assert_eq!(listed(&store, &things, &query).await, expected);
        expected.reverse();
    }
}

pub async fn what_is_equal_stands_in_the_order_of_the_ids(store: AnyStore) {
    let text = "type: words\nid: string\nattributes: {type: object}\n";
    let words = prepared(&store, text).await;
    for (n, id, v) in [
        (0, "c", json!([])),
        (1, "a", json!([1])),
        (2, "b", json!(null)),
        (3, "A", json!(null)),
        (4, "ä", json!([2])),
    ] {
        let mut members = json!({ "n": n });
        // What is missing counts as null.
        if !v.is_null() || n == 2 {
            members["v"] = v;
        }
        let id = words.id.parse(id).unwrap();
        one(&store, insertion(&words, id, members)).await.unwrap();
    }
    for (keys, expected) in [
        (vec![by(member(&["v"]), false)], [3, 2, 1, 0, 4]),
        (vec![by(member(&["v"]), true)], [1, 0, 4, 3, 2]),
        (vec![by(KeyPath::Id, false)], [3, 1, 2, 0, 4]),
        (
            vec![by(KeyPath::Id, true), by(member(&["v"]), true)],
            [4, 0, 2, 1, 3],
        ),
        (
            vec![by(member(&["v"]), false), by(KeyPath::Id, true)],
            [2, 3, 4, 0, 1],
        ),
    ] {
        let found = listed(&store, &words, &sorted(keys.clone())).await;
        assert_eq!(found, expected, "{keys:?}");
    }
}

pub async fn the_last_resources_stand_in_the_same_order(store: AnyStore) {
    let all: Vec<Value> = [3, 1, 2, 0].iter().map(|v| json!({"v": v})).collect();
    let things = stored(&store, &all).await;
    for (keys, limit, expected, more) in [
        (vec![by(member(&["v"]), false)], 2, vec![2, 0], true),
        (vec![by(member(&["v"]), true)], 3, vec![2, 1, 3], true),
        (vec![by(member(&["v"]), true)], 4, vec![0, 2, 1, 3], false),
        (Vec::new(), 2, vec![2, 3], true),
    ] {
        let query = Query {
            limit,
            from_end: true,
            ..sorted(keys)
        };
        let page = store.list(&things, &query).await.unwrap();
        let found: Vec<i64> = page.resources.iter().map(number).collect();
        assert_eq!((found, page.more), (expected, more));
    }
}

pub async fn a_page_goes_on_from_a_place_whose_resource_is_gone(store: AnyStore) {
    let values = [
        json!(2),
        json!(null),
        json!("x"),
        json!(2),
        json!(5),
        json!(2),
    ];
    let all: Vec<Value> = values.iter().map(|v| json!({ "v": v })).collect();
    let things = stored(&store, &all).await;
    let page = page(&store, &things, 0, 10).await;
    let ids: Vec<Id> = page.resources.iter().map(|one| one.id.clone()).collect();
    let place = |n: usize| {
        let values = vec![SortValue::of(&values[n])];
        let id = ids[n].clone();
        Some(Bound { values, id })
    };
    one(&store, deletion(&things, &ids[3])).await.unwrap();
    let pages = [
        (Some(3), None, false, vec![5, 4, 2]),
        (None, Some(3), false, vec![1, 0]),
        (Some(3), None, true, vec![5, 1]),
        (None, Some(3), true, vec![2, 4, 0]),
        (Some(1), Some(4), false, vec![0, 5]),
        (Some(4), Some(1), false, vec![]),
        (Some(2), None, false, vec![]),
        (Some(1), None, true, vec![]),
    ];
    for (after, before, descending, expected) in pages {
        let mut query = sorted(vec![by(member(&["v"]), descending)]);
        (query.after, query.before) = (after.and_then(place), before.and_then(place));
        assert_eq!(listed(&store, &things, &query).await, expected);
        query.filter = not(where_v(equals(&json!("x"))));
        let others: Vec<i64> = expected.iter().copied().filter(|n| *n != 2).collect();
        assert_eq!(listed(&store, &things, &query).await, others);
        (query.from_end, query.limit) = (true, 1);
        let last: Vec<i64> = others.into_iter().next_back().into_iter().collect();
        assert_eq!(listed(&store, &things, &query).await, last);
    }
}
