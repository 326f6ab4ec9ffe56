//! What each function gives, as Terraform's documentation has it.

use std::collections::BTreeSet;

use super::*;
use crate::config::eval::{Evaluator, NoNames};
use crate::config::parse::parse_expression;
use crate::diag::{Diagnostics, SourceMap};

fn evaluate(text: &str) -> Result<Value, Diagnostics> {
    let mut sources = SourceMap::default();
    let file = sources.add("test", text);
    let expression = parse_expression(&sources, file)?;
    Evaluator { sources: &sources, scope: &NoNames, limits: &Limits::default() }.evaluate(&expression, file)
}

/// Calls, and expressions for the same value.
const CASES: &[(&str, &str)] = &[
    ("bytes(\"20GiB\")", "21474836480"),
    ("bytes(\"1.5TiB\")", "1649267441664"),
    ("bytes(512)", "512"),
    ("size(21474836480)", "\"20 GiB\""),
    ("size(bytes(\"10GB\") + 1)", "\"10000000001 B\""),
    ("abs(-12.4)", "12.4"),
    ("abs(3)", "3"),
    ("ceil(5.1)", "6"),
    ("ceil(-5.9)", "-5"),
    ("ceil(5)", "5"),
    ("floor(4.9)", "4"),
    ("floor(-4.1)", "-5"),
    ("max(12, 54, 3)", "54"),
    ("min(12, 54, 3)", "3"),
    ("signum(-13)", "-1"),
    ("format(\"Hello, %s! %d\", \"Ander\", 3)", "\"Hello, Ander! 3\""),
    (
        "format(\"%03d|%5s|%-5s|%q|%t|100%%\", 7, \"a\", \"b\", \"c\", true)",
        "\"007|    a|b    |\\\"c\\\"|true|100%\"",
    ),
    ("format(\"%04d\", -7)", "\"-007\""),
    ("join(\", \", [\"foo\", \"bar\", 1])", "\"foo, bar, 1\""),
    ("join(\"x\", [])", "\"\""),
    ("split(\",\", \"foo,bar,\")", "[\"foo\", \"bar\", \"\"]"),
    ("split(\"\", \"ab\")", "[\"a\", \"b\"]"),
    ("split(\",\", \"\")", "[\"\"]"),
    ("lower(\"HELLO\")", "\"hello\""),
    ("upper(\"hello\")", "\"HELLO\""),
    ("replace(\"1 + 2 + 3\", \"+\", \"-\")", "\"1 - 2 - 3\""),
    ("replace(\"hello world\", \"/w.*d/\", \"everybody\")", "\"hello everybody\""),
    ("startswith(\"hello\", \"he\")", "true"),
    ("endswith(\"hello\", \"he\")", "false"),
    ("strcontains(\"hello\", \"ell\")", "true"),
    ("trimprefix(\"helloworld\", \"hello\")", "\"world\""),
    ("trimsuffix(\"helloworld\", \"world\")", "\"hello\""),
    ("trimspace(\"  hello\\n\\n\")", "\"hello\""),
    ("length([])", "0"),
    ("length({ a = 1 })", "1"),
    ("length(\"é\")", "1"),
    ("keys({ b = 1, a = 2 })", "[\"a\", \"b\"]"),
    ("values({ b = 1, a = 2 })", "[2, 1]"),
    ("lookup({ a = 1 }, \"a\", 0)", "1"),
    ("lookup({ a = 1 }, \"b\", 0)", "0"),
    ("merge({ a = 1, b = 2 }, null, { b = 3 })", "{ a = 1, b = 3 }"),
    ("concat([\"a\"], [\"b\", \"c\"], [])", "[\"a\", \"b\", \"c\"]"),
    ("contains([\"a\", \"b\"], \"a\")", "true"),
    ("contains([1], \"1\")", "false"),
    ("flatten([[\"a\", [\"b\"]], [], [\"c\"]])", "[\"a\", \"b\", \"c\"]"),
    ("distinct([\"a\", \"b\", \"a\"])", "[\"a\", \"b\"]"),
    ("reverse([1, 2])", "[2, 1]"),
    ("range(3)", "[0, 1, 2]"),
    ("range(1, 4)", "[1, 2, 3]"),
    ("range(1, 8, 2)", "[1, 3, 5, 7]"),
    ("range(4, 1)", "[4, 3, 2]"),
    ("range(10, 5, -2)", "[10, 8, 6]"),
    ("range(0)", "[]"),
    ("sort([\"e\", \"d\", \"a\"])", "[\"a\", \"d\", \"e\"]"),
    ("element([\"a\", \"b\", \"c\"], 3)", "\"a\""),
    ("element([\"a\", \"b\", \"c\"], -1)", "\"c\""),
    ("slice([1, 2, 3, 4], 1, 3)", "[2, 3]"),
    ("coalesce(null, \"\", \"b\")", "\"b\""),
    ("compact([\"a\", \"\", null, \"b\"])", "[\"a\", \"b\"]"),
    ("one([])", "null"),
    ("one([1])", "1"),
    ("alltrue([\"true\", true])", "true"),
    ("alltrue([])", "true"),
    ("alltrue([true, false])", "false"),
    ("anytrue([false, true])", "true"),
    ("anytrue([])", "false"),
    ("zipmap([\"a\", \"b\"], [1, 2])", "{ a = 1, b = 2 }"),
    ("chunklist([1, 2, 3], 2)", "[[1, 2], [3]]"),
    ("index([\"a\", \"b\"], \"b\")", "1"),
    ("setunion([1], [2], [1])", "toset([1, 2])"),
    ("setintersection([1, 2, 3], [2, 3], [3, 4])", "toset([3])"),
    ("setsubtract([1, 2], [2])", "toset([1])"),
    ("trim(\"?!hello?!\", \"!?\")", "\"hello\""),
    ("chomp(\"hello\\r\\n\\n\")", "\"hello\""),
    ("strrev(\"hello\")", "\"olleh\""),
    ("substr(\"hello world\", 1, 4)", "\"ello\""),
    ("substr(\"hello world\", -5, -1)", "\"world\""),
    ("substr(\"hi\", 5, 2)", "\"\""),
    ("sum([1, 2.5])", "3.5"),
    ("tostring(5)", "\"5\""),
    ("tostring(null)", "null"),
    ("tonumber(\"1.50\")", "1.5"),
    ("tobool(\"true\")", "true"),
    ("tolist([\"a\", 1, true])", "[\"a\", \"1\", \"true\"]"),
    ("tolist(toset([\"b\", \"a\", \"b\"]))", "[\"a\", \"b\"]"),
    ("tolist(toset([1, \"a\"]))", "[\"1\", \"a\"]"),
    ("toset([\"b\", \"a\", \"b\"])", "toset([\"a\", \"b\"])"),
    ("tomap({ a = 1, b = \"x\" })", "{ a = \"1\", b = \"x\" }"),
    ("nonsensitive(sensitive(1))", "1"),
    ("type([1, 2])", "\"list of number\""),
    (
        "jsonencode({ a = [1, 1.5, null, true], b = \"<\\\"\\n\" })",
        "\"{\\\"a\\\":[1,1.5,null,true],\\\"b\\\":\\\"\\\\u003c\\\\\\\"\\\\n\\\"}\"",
    ),
    ("jsonencode(9007199254740993)", "\"9007199254740993\""),
];

#[test]
fn functions_give_what_the_documentation_says() {
    for (call, expected) in CASES {
        assert_eq!(evaluate(call), evaluate(expected), "{call}");
        assert!(evaluate(expected).is_ok(), "{expected}");
    }
}

#[test]
fn every_function_has_a_case_and_a_sentence() {
    let tested: BTreeSet<&str> = CASES.iter().filter_map(|(call, _)| call.split('(').next()).collect();
    for function in all() {
        assert!(
            tested.contains(function.name) || function.name == "sensitive",
            "{} is untested",
            function.name
        );
        assert!(function.doc.ends_with('.'), "{}", function.name);
    }
    let names: Vec<&str> = names().collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name is there twice");
}

#[test]
fn functions_refuse_what_they_cannot_do() {
    for call in [
        "bytes(\"x\")",
        "size(-1)",
        "size(0.5)",
        "range(1, 5, 0)",
        "range(1, 5, -1)",
        "element([], 0)",
        "lookup({}, \"a\")",
        "one([1, 2])",
        "coalesce(null)",
        "zipmap([\"a\"], [])",
        "tonumber(\"x\")",
        "tobool(\"yes\")",
        "tolist({})",
        "sum([])",
        "chunklist([1], 0)",
        "index([], 1)",
        "substr(\"a\", 0.5, 1)",
        "sum([\"x\"])",
        "slice([1], 0, 2)",
        "format(\"%d\", 1.5)",
        "format(\"%s\")",
        "format(\"x\", 1)",
        "format(\"%\")",
        "format(\"%z\", 1)",
        "replace(\"a\", \"/(/\", \"\")",
        "length(5)",
        "join(\",\", [[]])",
        "keys([])",
        "sort([null])",
    ] {
        assert!(evaluate(call).is_err(), "{call} was accepted");
    }
}

#[test]
fn signatures_read_like_documentation() {
    assert_eq!(find("lookup").unwrap().signature(), "lookup(map, key, default?)");
    assert_eq!(find("concat").unwrap().signature(), "concat(list, list...)");
}
