use proptest::prelude::*;

use super::*;
use crate::Path;

const LIMITS: FilterLimits = FilterLimits {
    depth: 5,
    terms: 12,
    bytes: 400,
};

const WIDE: FilterLimits = FilterLimits {
    depth: 64,
    terms: 10_000,
    bytes: 1 << 20,
};

fn parse(text: &str, limits: FilterLimits) -> Result<Expression, Misplaced> {
    let mut terms = limits.terms;
    Parser::new(text, 0, limits, &mut terms).whole()
}

fn encoded(text: &str) -> String {
    super::super::path_segment(text).to_string()
}

/// The filters of `name=value` pairs, where `author` and `comments` are relationships.
fn filters(pairs: &[(&str, &str)]) -> Result<Vec<Filter>, Error> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let mut parameters = Parameters::parse(Some(&query))?;
    parameters.take_filter(LIMITS, &is_relationship)
}

fn is_relationship(names: &[String]) -> bool {
    names
        .last()
        .is_some_and(|name| ["author", "comments"].contains(&name.as_str()))
}

/// How one bracket filter reads as an expression.
fn read(name: &str, value: &str) -> String {
    filters(&[(name, value)]).unwrap()[0].expression.to_string()
}

#[test]
fn every_function_reads_and_prints_itself() {
    for text in [
        "equals(lastName,'Smith')",
        "equals(address.city,'Brighton')",
        "equals(age,null)",
        "equals(count(comments),'1')",
        "lessThan(age,'18')",
        "lessOrEqual(age,'18')",
        "greaterThan(size(tags),'2')",
        "greaterOrEqual(author.age,'18')",
        "between(age,'18','65')",
        "any(name,'a')",
        "any(name,'a','b','it''s')",
        "contains(name,'a')",
        "startsWith(name,'a')",
        "endsWith(name,'')",
        "iequals(name,'a')",
        "icontains(name,'ü')",
        "istartsWith(name,'a')",
        "iendsWith(name,'a')",
        "has(comments)",
        "has(comments,equals(author.name,'Ann'))",
        "anyElement(tags,'red')",
        "anyElement(tags,'red','blue')",
        "anyElement(phones,equals(kind,'home'))",
        "missing(address.city)",
        "not(missing(name))",
        "and(missing(a),missing(b),missing(c))",
        "or(missing(a),not(and(missing(b),missing(c))))",
    ] {
        assert_eq!(parse(text, LIMITS).unwrap().to_string(), text);
    }
}

#[test]
fn blanks_and_plain_numbers_are_taken() {
    for (text, expected) in [
        (
            " and ( equals( a , 'x' ) ,\n missing( b ) ) ",
            "and(equals(a,'x'),missing(b))",
        ),
        ("greaterThan(age,18)", "greaterThan(age,'18')"),
        (
            "any(a, -1.5e3, true ,false)",
            "any(a,'-1.5e3','true','false')",
        ),
        ("equals( first name ,'a')", "equals(first name,'a')"),
        ("equals(null,'x')", "equals(null,'x')"),
        ("equals(count,null)", "equals(count,null)"),
    ] {
        assert_eq!(parse(text, LIMITS).unwrap().to_string(), expected);
    }
}

#[test]
fn fi_4_mistakes_are_found_where_they_are() {
    for (text, at, reason) in [
        ("", 0, "A function is wanted"),
        ("foo(a)", 0, "'foo' is no function"),
        ("equals", 6, "A '(' is wanted"),
        ("equals(", 7, "The name of a field is missing"),
        ("equals(a", 8, "A ',' is wanted"),
        ("equals(a,Smith)", 9, "A value in quotes is wanted"),
        ("equals(a,'Smith)", 9, "The quote is not closed"),
        ("equals(a,'x'", 12, "A ')' is wanted"),
        ("equals(a,'x'))", 13, "The filter ends here"),
        ("equals(a..b,'x')", 9, "A name is missing"),
        ("equals(sum(a),'x')", 7, "'sum' is no function of a value"),
        (
            "equals(count(a),null)",
            16,
            "A number of things is never null",
        ),
        ("lessThan(a,null)", 11, "null is neither"),
        ("and(missing(a))", 14, "A ',' is wanted"),
        ("and(missing(a),)", 15, "A function is wanted"),
        ("between(a,'1')", 13, "A ',' is wanted"),
        ("any(a)", 5, "A ',' is wanted"),
        ("has(a,)", 6, "A function is wanted"),
        ("missing(é$)", 10, "A ')' is wanted"),
        ("equals(_,'x')", 7, "This is no name"),
        ("equals(a,0x1)", 9, "A value in quotes"),
    ] {
        let mistake = parse(text, LIMITS).unwrap_err();
        assert_eq!(mistake.at, at, "{text}: {}", mistake.reason);
        assert!(
            mistake.reason.starts_with(reason),
            "{text}: {}",
            mistake.reason
        );
    }
}

#[test]
fn an_error_shows_the_text_around_the_place() {
    let error = filters(&[("filter", "equals(lastName,Smith)")]).unwrap_err();
    let detail = error.detail.unwrap();
    assert!(
        detail.ends_with(": filter=equals(lastName,^Smith)"),
        "{detail}"
    );
    assert_eq!(
        error.source,
        Some(crate::Source::Parameter("filter".into()))
    );
    assert_eq!(error.meta["column"], 24);
    let all = filters(&[("filter[age][gt]", "x")]).unwrap();
    let Node::Compare {
        operand, literal, ..
    } = &all[0].expression.node
    else {
        panic!("{all:?}");
    };
    let typed = all[0].refusal(literal.at, "A number is wanted");
    assert_eq!(
        typed.detail.unwrap(),
        "A number is wanted: filter[age][gt]=^x"
    );
    let named = all[0].refusal(operand.path().at, "No such field");
    assert_eq!(named.detail.unwrap(), "No such field: filter[^age][gt]=x");
    assert_eq!(
        named.source,
        Some(crate::Source::Parameter("filter[age][gt]".into()))
    );
}

#[test]
fn brackets_read_as_the_same_tree() {
    for (name, value, expected) in [
        ("filter[lastName]", "Smith", "equals(lastName,'Smith')"),
        (
            "filter[lastName]",
            "it's, null",
            "equals(lastName,'it''s, null')",
        ),
        (
            "filter[lastName]",
            "equals(a,'x')",
            "equals(lastName,'equals(a,''x'')')",
        ),
        ("filter[address.city]", "", "equals(address.city,'')"),
        ("filter[_id]", "1", "equals(_id,'1')"),
        ("filter[age][eq]", "18", "equals(age,'18')"),
        ("filter[age][ne]", "18", "not(equals(age,'18'))"),
        ("filter[age][lt]", "18", "lessThan(age,'18')"),
        ("filter[age][lte]", "18", "lessOrEqual(age,'18')"),
        ("filter[age][gt]", "18", "greaterThan(age,'18')"),
        ("filter[age][gte]", "18", "greaterOrEqual(age,'18')"),
        ("filter[age][in]", "1,2", "any(age,'1','2')"),
        ("filter[age][notIn]", "1,2", "not(any(age,'1','2'))"),
        ("filter[age][between]", "1,2", "between(age,'1','2')"),
        ("filter[name][contains]", "a,b", "contains(name,'a,b')"),
        ("filter[name][startsWith]", "a", "startsWith(name,'a')"),
        ("filter[name][endsWith]", "a", "endsWith(name,'a')"),
        ("filter[name][ieq]", "a", "iequals(name,'a')"),
        ("filter[name][icontains]", "a", "icontains(name,'a')"),
        ("filter[name][istartsWith]", "a", "istartsWith(name,'a')"),
        ("filter[name][iendsWith]", "a", "iendsWith(name,'a')"),
        ("filter[tags][has]", "a,b", "anyElement(tags,'a','b')"),
        ("filter[name][missing]", "true", "missing(name)"),
        ("filter[name][missing]", "false", "not(missing(name))"),
        ("filter[name][null]", "true", "equals(name,null)"),
        ("filter[tags][size]", "2", "equals(size(tags),'2')"),
        ("filter[tags][size][gt]", "2", "greaterThan(size(tags),'2')"),
        (
            "filter[comments][count][between]",
            "2,3",
            "between(count(comments),'2','3')",
        ),
        ("filter[author]", "1,2", "any(author,'1','2')"),
        ("filter[author][ne]", "1", "not(equals(author,'1'))"),
    ] {
        assert_eq!(read(name, value), expected, "{name}={value}");
    }
}

#[test]
fn fi_2_and_fi_4_brackets_that_mean_nothing_are_refused_by_name() {
    for (name, value) in [
        ("filter[]", "x"),
        ("filter[_]", "x"),
        ("filter[a..b]", "x"),
        ("filter[a][foo]", "x"),
        ("filter[a][gt][lt]", "x"),
        ("filter[a][size][contains]", "x"),
        ("filter[a][size][gt][lt]", "x"),
        ("filter[a][in]", "1,,2"),
        ("filter[a][in]", ""),
        ("filter[a][between]", "1"),
        ("filter[a][between]", "1,2,3"),
        ("filter[a][missing]", "yes"),
        ("filter[author]", "equals(name,'Ann')"),
        ("filter", "x"),
    ] {
        let error = filters(&[(name, value)]).unwrap_err();
        assert_eq!(
            error.source,
            Some(crate::Source::Parameter(name.into())),
            "{name}={value}"
        );
    }
    let error = filters(&[("filter[author][name]", "Ann")]).unwrap_err();
    assert!(error.detail.unwrap().contains("with a dot"));
}

#[test]
fn fi_3_several_filters_are_taken_together() {
    let all = filters(&[
        ("filter[a]", "1"),
        ("filter[b]", "2"),
        ("filter", "missing(c)"),
    ]);
    let all = all.unwrap();
    let texts: Vec<_> = all.iter().map(|one| one.expression.to_string()).collect();
    assert_eq!(texts, ["equals(a,'1')", "equals(b,'2')", "missing(c)"]);
    assert_eq!(all[2].text(), "filter=missing(c)");
}

#[test]
fn filters_of_included_resources_are_seen_from_them() {
    let query = "filter[comments]=missing(body)&filter[comments][author.name][contains]=A\
                 &filter[comments][count][gt]=3&filter[author]=7";
    let mut parameters = Parameters::parse(Some(query)).unwrap();
    let mut texts = |relationship: Option<&str>| -> Vec<String> {
        let filters = match relationship {
            Some(path) => parameters.take_filter_of(path, LIMITS, &is_relationship),
            None => parameters.take_filter(LIMITS, &is_relationship),
        };
        filters
            .unwrap()
            .iter()
            .map(|one| one.expression.to_string())
            .collect()
    };
    assert_eq!(
        texts(Some("comments")),
        ["missing(body)", "contains(author.name,'A')"]
    );
    assert!(texts(Some("author")).is_empty());
    assert_eq!(
        texts(None),
        ["greaterThan(count(comments),'3')", "any(author,'7')"]
    );
    assert!(parameters.finish().is_ok());
}

#[test]
fn the_limits_are_exact_and_shared_by_all_parameters() {
    let nested = |depth: usize| {
        format!(
            "{}missing(a){}",
            "not(".repeat(depth - 1),
            ")".repeat(depth - 1)
        )
    };
    assert!(parse(&nested(5), LIMITS).is_ok());
    assert_eq!(parse(&nested(6), LIMITS).unwrap_err().at, 20);
    assert!(parse(&nested(100_000), LIMITS).is_err());
    let any = |count: usize| format!("any(a{})", ",'x'".repeat(count));
    assert!(parse(&any(11), LIMITS).is_ok());
    assert_eq!(parse(&any(12), LIMITS).unwrap_err().at, 5 + 11 * 4 + 1);
    assert!(filters(&[("filter", &any(9)), ("filter[a]", "x")]).is_ok());
    assert!(filters(&[("filter", &any(10)), ("filter[a]", "x")]).is_err());
    assert!(filters(&[("filter[a][notIn]", "1,2,3,4,5,6,7,8,9,10,11")]).is_ok());
    assert!(filters(&[("filter[a][notIn]", "1,2,3,4,5,6,7,8,9,10,11,12")]).is_err());
    assert!(filters(&[("filter[a]", &"x".repeat(390))]).is_ok());
    assert!(filters(&[("filter[a]", &"x".repeat(391))]).is_err());
}

/// What the page about filters claims.
mod page {
    use super::*;

    fn text() -> String {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md");
        std::fs::read_to_string(path).unwrap()
    }

    fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
        let start = format!("```{kind}\n");
        let blocks = text.split(start.as_str()).skip(1);
        blocks
            .map(|rest| rest.split("\n```").next().unwrap())
            .collect()
    }

    #[test]
    fn every_example_is_read_and_every_function_has_one() {
        let text = text();
        let mut read = Vec::new();
        for line in blocks(&text, "filter")
            .iter()
            .flat_map(|block| block.lines())
        {
            let (name, value) = line.split_once('=').unwrap();
            let found =
                filters(&[(name, value)]).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            read.push((line.to_owned(), found[0].expression.to_string()));
        }
        for (name, _) in functions::FUNCTIONS {
            let call = format!("{name}(");
            assert!(read.iter().any(|(line, _)| line.contains(&call)), "{name}");
        }
    }

    #[test]
    fn every_pair_of_the_operators_means_the_same() {
        let text = text();
        let rows = text.lines().filter(|line| line.starts_with("| `filter["));
        let mut pairs = 0;
        for row in rows {
            let cells: Vec<_> = row.split('`').collect();
            let (name, value) = cells[1].split_once('=').unwrap();
            assert_eq!(read(name, value), cells[3], "{row}");
            pairs += 1;
        }
        assert!(pairs >= functions::OPERATORS.len());
        for (name, _) in functions::OPERATORS {
            assert!(text.contains(&format!("[{name}]")), "{name}");
        }
    }

    #[test]
    fn the_grammar_names_the_functions_that_there_are() {
        let text = text();
        let grammar = blocks(&text, "ebnf")[0];
        let quoted: Vec<&str> = grammar.split('"').skip(1).step_by(2).collect();
        let words = quoted
            .iter()
            .filter(|word| word.chars().all(char::is_alphabetic));
        for word in words {
            let others = ["count", "size", "null", "true", "false"];
            let known = functions::function(word).is_some() || others.contains(word);
            assert!(known, "{word}");
        }
        for (name, _) in functions::FUNCTIONS {
            assert!(quoted.contains(&name), "{name}");
        }
    }
}

fn any_path() -> impl Strategy<Value = Path> + Clone {
    prop::collection::vec("[a-zé_][a-z0-9_\\-]{0,3}[a-z]", 1..4)
        .prop_map(|names| Path { names, at: 0 })
}

fn any_literal() -> impl Strategy<Value = Literal> {
    "[a-c',()\\n é%]{0,5}".prop_map(|text| Literal { at: 0, text })
}

fn any_operand() -> impl Strategy<Value = Operand> {
    (any_path(), 0..3).prop_map(|(path, kind)| match kind {
        0 => Operand::Path(path),
        1 => Operand::Count(path),
        _ => Operand::Size(path),
    })
}

fn any_leaf() -> impl Strategy<Value = Node> {
    let comparisons = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual)
    ];
    let texts = prop::sample::select(
        functions::FUNCTIONS
            .iter()
            .filter_map(|(_, function)| match function {
                functions::Function::Text(relation, case) => Some((*relation, *case)),
                _ => None,
            })
            .collect::<Vec<_>>(),
    );
    let literals = || prop::collection::vec(any_literal(), 1..4);
    prop_oneof![
        (any_operand(), comparisons, any_literal()).prop_map(|(operand, comparison, literal)| {
            Node::Compare {
                operand,
                comparison,
                literal,
            }
        }),
        (any_operand(), any_literal(), any_literal()).prop_map(|(operand, lower, upper)| {
            Node::Between {
                operand,
                lower,
                upper,
            }
        }),
        (any_operand(), literals())
            .prop_map(|(operand, literals)| Node::AnyOf { operand, literals }),
        any_path().prop_map(Node::Null),
        any_path().prop_map(Node::Missing),
        (any_path(), texts, any_literal()).prop_map(|(path, (relation, case), literal)| {
            Node::Text {
                path,
                relation,
                case,
                literal,
            }
        }),
        any_path().prop_map(|path| Node::Has { path, filter: None }),
        (any_path(), literals()).prop_map(|(path, literals)| {
            Node::AnyElement {
                path,
                element: Element::OneOf(literals),
            }
        }),
    ]
}

fn any_expression() -> impl Strategy<Value = Expression> {
    let located = |node| Expression { at: 0, node };
    any_leaf()
        .prop_map(located)
        .prop_recursive(4, 24, 4, move |inner| {
            let list = prop::collection::vec(inner.clone(), 2..4);
            let one = (any_path(), inner.prop_map(Box::new));
            prop_oneof![
                list.clone().prop_map(Node::And),
                list.prop_map(Node::Or),
                one.clone().prop_map(|(_, other)| Node::Not(other)),
                one.clone().prop_map(|(path, filter)| Node::Has {
                    path,
                    filter: Some(filter)
                }),
                one.prop_map(|(path, filter)| Node::AnyElement {
                    path,
                    element: Element::Matching(filter)
                }),
            ]
            .prop_map(located)
        })
}

/// The tree as text without its places.
fn shape(expression: &Expression) -> String {
    let mut text = String::new();
    for piece in format!("{expression:?}").split(" at: ") {
        let digits = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        text.push_str(digits);
    }
    text
}

proptest! {
    #[test]
    fn a_printed_tree_parses_to_itself(expression in any_expression()) {
        let text = expression.to_string();
        let parsed = parse(&text, WIDE).unwrap();
        prop_assert_eq!(shape(&parsed), shape(&expression), "{}", text);
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn any_text_gives_a_tree_or_a_place_inside(
        text in "(and|not|has|count|equals|any|null|a|é|'|\\(|\\)|,|\\.| |1|\\PC){0,24}"
    ) {
        match parse(&text, LIMITS) {
            Ok(tree) => prop_assert_eq!(parse(&tree.to_string(), WIDE).unwrap().to_string(), tree.to_string()),
            Err(mistake) => {
                prop_assert!(mistake.at <= text.len() && text.is_char_boundary(mistake.at));
            }
        }
    }

    #[test]
    fn a_tree_that_was_cut_gives_a_place_inside(expression in any_expression(), cut in 0_usize..200) {
        let text = expression.to_string();
        let text = &text[..text.floor_char_boundary(cut)];
        if let Err(mistake) = parse(text, WIDE) {
            prop_assert!(mistake.at <= text.len() && text.is_char_boundary(mistake.at));
        }
    }

    #[test]
    fn any_brackets_are_read_or_refused(keys in "(\\[([a-c.]{0,3}|size|in|gt|missing)\\]){0,4}", value in "[a-c,]{0,5}|true") {
        let _ = filters(&[(&format!("filter{keys}"), &value)]);
    }
}
