//! What filters mean, and what a scope hides.

use super::*;

pub async fn null_is_not_missing(store: AnyStore) {
    let all = [json!({}), json!({"v": null}), json!({"v": ""})];
    let things = stored(&store, &all).await;
    for (filter, expected) in [
        (where_v(Test::Missing), vec![0]),
        (where_v(Test::Null), vec![1]),
        (not(where_v(Test::Missing)), vec![1, 2]),
        (not(where_v(Test::Null)), vec![0, 2]),
        (where_v(equals(&json!(""))), vec![2]),
    ] {
        assert_eq!(passing(&store, &things, filter).await, expected);
    }
}

pub async fn values_of_different_kinds_are_neither_equal_nor_in_an_order(store: AnyStore) {
    let all = [
        json!({"v": 1}),
        json!({"v": "1"}),
        json!({"v": true}),
        json!({"v": [1]}),
        json!({"v": {"1": 1}}),
        json!({"v": 1.0}),
        json!({"v": "true"}),
        json!({"v": false}),
        json!({"v": "[1]"}),
    ];
    let things = stored(&store, &all).await;
    for (test, expected) in [
        (equals(&json!(1)), vec![0, 5]),
        (equals(&json!("1")), vec![1]),
        (equals(&json!(true)), vec![2]),
        (equals(&json!("[1]")), vec![8]),
        (compare(Comparison::Less, &json!(2)), vec![0, 5]),
        (compare(Comparison::Less, &json!("2")), vec![1]),
        (
            compare(Comparison::GreaterOrEqual, &json!("")),
            vec![1, 6, 8],
        ),
        (compare(Comparison::Less, &json!(true)), vec![7]),
        (
            Test::OneOf(vec![scalar(&json!("1")), scalar(&json!(false))]),
            vec![1, 7],
        ),
        (Test::OneOf(Vec::new()), vec![]),
    ] {
        let found = passing(&store, &things, where_v(test.clone())).await;
        assert_eq!(found, expected, "{test:?}");
    }
}

pub async fn what_does_not_compare_passes_the_negation(store: AnyStore) {
    let all = [
        json!({}),
        json!({"v": null}),
        json!({"v": "a"}),
        json!({"v": 7}),
    ];
    let things = stored(&store, &all).await;
    for test in [
        equals(&json!(7)),
        compare(Comparison::Greater, &json!(6)),
        Test::OneOf(vec![scalar(&json!(7))]),
    ] {
        assert_eq!(passing(&store, &things, where_v(test.clone())).await, [3]);
        let others = not(where_v(test));
        assert_eq!(passing(&store, &things, others.clone()).await, [0, 1, 2]);
        assert_eq!(passing(&store, &things, not(others)).await, [3]);
    }
    let contains = where_v(text(TextMatch::Contains, false, "a"));
    assert_eq!(passing(&store, &things, not(contains)).await, [0, 1, 3]);
}

pub async fn filters_are_combined(store: AnyStore) {
    let all: Vec<Value> = (0..6).map(|v| json!({"v": v})).collect();
    let things = stored(&store, &all).await;
    let less = |v: i64| where_v(compare(Comparison::Less, &json!(v)));
    let more = |v: i64| where_v(compare(Comparison::Greater, &json!(v)));
    for (filter, expected) in [
        (Filter::All(vec![less(4), more(1)]), vec![2, 3]),
        (Filter::Any(vec![less(1), more(4)]), vec![0, 5]),
        (Filter::All(Vec::new()), vec![0, 1, 2, 3, 4, 5]),
        (Filter::Any(Vec::new()), vec![]),
        (not(Filter::Everything), vec![]),
        (
            not(Filter::Any(vec![
                less(2),
                Filter::All(vec![more(2), less(4)]),
            ])),
            vec![2, 4, 5],
        ),
    ] {
        let found = passing(&store, &things, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn numbers_compare_by_their_exact_values(store: AnyStore) {
    let all = [
        json!({"v": 9_007_199_254_740_992_i64}),
        json!({"v": 9_007_199_254_740_993_i64}),
        json!({"v": 9_007_199_254_740_994.0}),
        json!({"v": 0.1}),
        json!({"v": -0.0}),
        json!({"v": i64::MAX}),
        json!({"v": 1e300}),
    ];
    let things = stored(&store, &all).await;
    for (test, expected) in [
        (equals(&json!(9_007_199_254_740_993_i64)), vec![1]),
        (equals(&json!(9_007_199_254_740_992.0)), vec![0]),
        (equals(&json!(9_007_199_254_740_994_i64)), vec![2]),
        (equals(&json!(0)), vec![4]),
        (compare(Comparison::LessOrEqual, &json!(0.1)), vec![3, 4]),
        (
            compare(Comparison::Greater, &json!(i64::MAX - 1)),
            vec![5, 6],
        ),
        (equals(&json!(9_223_372_036_854_775_808.0)), vec![]),
    ] {
        let found = passing(&store, &things, where_v(test.clone())).await;
        assert_eq!(found, expected, "{test:?}");
    }
}

pub async fn a_path_leads_through_objects_and_not_through_arrays(store: AnyStore) {
    let all = [
        json!({"v": {"a b": {"it's": 1}}}),
        json!({"v": {"a b": [{"it's": 1}]}}),
        json!({"v": [{"a b": {"it's": 1}}]}),
        json!({"v": "a b"}),
        json!({"v": {"a b": {"it's": null}}}),
        json!({}),
    ];
    let things = stored(&store, &all).await;
    let path = || at(&["v", "a b", "it's"]);
    let found = passing(&store, &things, Filter::member(path(), equals(&json!(1)))).await;
    assert_eq!(found, [0]);
    let found = passing(&store, &things, Filter::member(path(), Test::Missing)).await;
    assert_eq!(found, [1, 2, 3, 5]);
    let index = Filter::member(at(&["v", "0"]), Test::Missing);
    assert_eq!(passing(&store, &things, index).await, [0, 1, 2, 3, 4, 5]);
}

pub async fn names_of_members_are_taken_literally(store: AnyStore) {
    let names = [
        "a b",
        "it's",
        "say \"hi\"",
        "da-sh",
        "ü",
        "back\\slash",
        "#-1",
        "[0]",
        "A",
    ];
    let all: Vec<Value> = names.iter().map(|name| json!({ *name: "x" })).collect();
    let things = stored(&store, &all).await;
    for (n, name) in (0..).zip(names) {
        let filter = Filter::member(at(&[name]), equals(&json!("x")));
        assert_eq!(passing(&store, &things, filter).await, [n], "{name}");
    }
}

pub async fn resources_are_found_by_any_of_their_ids(store: AnyStore) {
    let all: Vec<Value> = (0..4).map(|v| json!({"v": v})).collect();
    let things = stored(&store, &all).await;
    let page = page(&store, &things, 0, 10).await;
    let ids: Vec<Id> = page.resources.iter().map(|one| one.id.clone()).collect();
    let some = Filter::Ids(vec![ids[2].clone(), fresh_id(&things), ids[0].clone()]);
    assert_eq!(passing(&store, &things, some.clone()).await, [0, 2]);
    assert_eq!(passing(&store, &things, not(some)).await, [1, 3]);
    let none = Filter::Ids(Vec::new());
    assert_eq!(passing(&store, &things, none.clone()).await, [0; 0]);
    assert_eq!(passing(&store, &things, not(none)).await, [0, 1, 2, 3]);
}

pub async fn what_is_out_of_scope_is_not_found(store: AnyStore) {
    let (Library { books, .. }, ids) = filled(&store).await;
    let unknown = fresh_id(&books);
    let wanted = [ids[3].clone(), unknown, ids[0].clone(), ids[3].clone()];
    let by_known = related(through(&books, "author"), Filter::Everything);
    for (scope, expected) in [
        (by_known.clone(), vec![None, None, Some(0), None]),
        (not(by_known), vec![Some(3), None, None, Some(3)]),
        (named("title", "t3"), vec![Some(3), None, None, Some(3)]),
    ] {
        let found = store.find(&books, &wanted, &scope).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                one.as_ref().map(|one| {
                    number(ResourceRef {
                        id: &one.id,
                        text: &one.text,
                    })
                })
            })
            .collect();
        assert_eq!(found, expected, "{scope:?}");
    }
}

pub async fn a_write_to_what_is_out_of_scope_meets_nothing(store: AnyStore) {
    let things = stored(&store, &[json!({"v": "mine"})]).await;
    let id = page(&store, &things, 0, 1)
        .await
        .resources
        .last()
        .unwrap()
        .id
        .clone();
    for (scope, is_done) in [(named("v", "yours"), false), (named("v", "mine"), true)] {
        let absent = Err(Refusal::Absent(id.clone()));
        for mut write in [
            Write::exists(&things, id.clone()),
            update(&things, &id, json!({"w": 1})),
            deletion(&things, &id),
        ] {
            write.guard.scope = scope.clone();
            let outcome = one(&store, write).await;
            assert_eq!(outcome.is_ok(), is_done);
            assert!(is_done || outcome == absent, "{outcome:?}");
        }
        assert_eq!(find(&store, &things, &id).await.is_none(), is_done);
    }
}

pub async fn what_passes_a_filter_is_counted_up_to_a_bound(store: AnyStore) {
    let all: Vec<Value> = (0..9).map(|v| json!({"v": v})).collect();
    let things = stored(&store, &all).await;
    for (bound, total) in [
        (5, Total::Estimated(5)),
        (6, Total::Exact(6)),
        (7, Total::Exact(6)),
        (0, Total::Estimated(0)),
    ] {
        let query = Query {
            filter: where_v(compare(Comparison::Less, &json!(6))),
            count: Count::UpTo(bound),
            skip: 3,
            ..Query::first(2)
        };
        let page = store.list(&things, &query).await.unwrap();
        assert_eq!((page.total, page.more), (Some(total), true));
        let found: Vec<i64> = page.resources.iter().map(number).collect();
        assert_eq!(found, [3, 4]);
    }
}
