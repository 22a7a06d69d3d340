//! Filters that look into texts and arrays.

use super::*;

pub async fn a_part_of_a_text_is_found_with_and_without_case(store: AnyStore) {
    let all = [
        json!({"v": "Äpfel sind gut"}),
        json!({"v": "äPFEL"}),
        json!({"v": "gut: ÄPFEL"}),
        json!({"v": 7}),
        json!({"v": ["Äpfel"]}),
        json!({"v": "STRASSE \u{212a}"}),
    ];
    let things = stored(&store, &all).await;
    for (relation, ignores_case, part, expected) in [
        (TextMatch::Equals, true, "ÄPFEL", vec![1]),
        (TextMatch::Equals, false, "ÄPFEL", vec![]),
        (TextMatch::Contains, false, "pfel", vec![0]),
        (TextMatch::Contains, true, "äpfel", vec![0, 1, 2]),
        (TextMatch::StartsWith, false, "Äp", vec![0]),
        (TextMatch::StartsWith, true, "äp", vec![0, 1]),
        (TextMatch::EndsWith, false, "gut", vec![0]),
        (TextMatch::EndsWith, true, "äpFel", vec![1, 2]),
        (TextMatch::Contains, true, "straße", vec![]),
        (TextMatch::EndsWith, true, "k", vec![5]),
        (TextMatch::EndsWith, false, "K", vec![]),
        (TextMatch::Contains, false, "", vec![0, 1, 2, 5]),
        (TextMatch::Contains, false, "7", vec![]),
    ] {
        let test = text(relation, ignores_case, part);
        let found = passing(&store, &things, where_v(test.clone())).await;
        assert_eq!(found, expected, "{test:?}");
    }
}

pub async fn characters_of_patterns_stand_for_themselves(store: AnyStore) {
    let parts = ["%", "_", "*", "?", ".", "\\", "[a]", "^", "$", "(", "'"];
    let mut all: Vec<Value> = parts
        .iter()
        .map(|part| json!({ "v": format!("a{part}z") }))
        .collect();
    all.push(json!({"v": "abz"}));
    let things = stored(&store, &all).await;
    for (n, part) in (0..).zip(parts) {
        for ignores_case in [false, true] {
            for (relation, part) in [
                (TextMatch::Contains, part.to_owned()),
                (TextMatch::StartsWith, format!("a{part}")),
                (TextMatch::EndsWith, format!("{part}z")),
                (TextMatch::Equals, format!("a{part}z")),
            ] {
                let test = text(relation, ignores_case, &part);
                let found = passing(&store, &things, where_v(test.clone())).await;
                assert_eq!(found, [n], "{test:?}");
            }
        }
    }
}

pub async fn the_elements_of_an_array_are_looked_at_one_by_one(store: AnyStore) {
    let all = [
        json!({"v": [1, "a", null]}),
        json!({"v": [[1]]}),
        json!({"v": 1}),
        json!({"v": []}),
        json!({"v": [true, 1.0]}),
        json!({"v": {"0": 1}}),
    ];
    let things = stored(&store, &all).await;
    let any = |values: &[Value]| where_v(Test::AnyElement(values.iter().map(scalar).collect()));
    for (filter, expected) in [
        (any(&[json!(1)]), vec![0, 4]),
        (any(&[json!("a"), json!(true)]), vec![0, 4]),
        (any(&[]), vec![]),
        (not(any(&[json!(1)])), vec![1, 2, 3, 5]),
        (where_v(Test::Size(Comparison::Equal, 0)), vec![3]),
        (where_v(Test::Size(Comparison::Less, 2)), vec![1, 3]),
        (
            where_v(Test::Size(Comparison::GreaterOrEqual, 2)),
            vec![0, 4],
        ),
        (
            not(where_v(Test::Size(Comparison::Greater, 0))),
            vec![2, 3, 5],
        ),
    ] {
        let found = passing(&store, &things, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn an_object_of_an_array_passes_as_a_whole(store: AnyStore) {
    let all = [
        json!({"v": [{"k": "a", "w": {"n": 1}}, {"k": "b", "w": {"n": 2}}]}),
        json!({"v": [{"k": "a", "w": {"n": 2}}]}),
        json!({"v": {"k": "a", "w": {"n": 2}}}),
        json!({"v": ["a", 2, [{"k": "a"}]]}),
        json!({"v": [{"k": null}, {}]}),
    ];
    let things = stored(&store, &all).await;
    let k = |test| Filter::member(at(&["k"]), test);
    let n = Filter::member(at(&["w", "n"]), equals(&json!(2)));
    let any = |filter| where_v(Test::AnyObject(Box::new(filter)));
    for (filter, expected) in [
        (
            any(Filter::All(vec![k(equals(&json!("a"))), n.clone()])),
            vec![1],
        ),
        (
            any(Filter::Any(vec![k(equals(&json!("b"))), n])),
            vec![0, 1],
        ),
        (any(not(k(equals(&json!("a"))))), vec![0, 4]),
        (any(k(Test::Missing)), vec![4]),
        (any(k(Test::Null)), vec![4]),
        (any(Filter::Everything), vec![0, 1, 4]),
        (not(any(Filter::Everything)), vec![2, 3]),
    ] {
        let found = passing(&store, &things, filter.clone()).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}
