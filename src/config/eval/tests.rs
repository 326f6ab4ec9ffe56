//! What the language means, as tables.

use proptest::prelude::*;

use super::*;
use crate::config::parse::{parse, parse_expression};
use crate::model::{Address, InstanceKey, Kind};

/// `var` with a value of every type, and `volume.vols` with two instances.
struct World;

fn variables() -> Value {
    Value::map([
        ("name", Value::text("db")),
        ("five", Value::text("5")),
        ("none", Value::Null),
        ("later", Value::Unknown),
        ("secret", Value::text("hush").sensitive()),
        ("list", Value::list([Value::integer(1), Value::integer(2)])),
        ("map", Value::map([("a", Value::integer(1)), ("b", Value::integer(2))])),
        ("mixed", Value::map([("open", Value::integer(1)), ("pin", Value::integer(7).sensitive())])),
        ("deep", (0..DEEPEST).fold(Value::Null, |inner, _| Value::list([inner]))),
        ("partly", Value::list([Value::integer(1), Value::Unknown])),
    ])
}

fn volume(key: &str) -> Address {
    Address::new(Kind::Volume, "vols").with_key(InstanceKey::Name(key.into()))
}

fn missing(what: &str, candidates: &[&str]) -> LookupError {
    let candidates = candidates.iter().map(|name| (*name).to_owned()).collect();
    LookupError::Missing { what: what.to_owned(), candidates }
}

impl Scope for World {
    fn root(&self, name: &str) -> Result<Value, LookupError> {
        match name {
            "var" => Ok(variables()),
            "volume" => Ok(Value::Reference(Reference::Kind(Kind::Volume))),
            _ => Err(missing("object", &["var", "volume"])),
        }
    }

    fn attribute(&self, of: &Reference, name: &str) -> Result<Value, LookupError> {
        match (of, name) {
            (Reference::Kind(Kind::Volume), "vols") => {
                Ok(Value::Reference(Reference::Block(Address::new(Kind::Volume, "vols"))))
            }
            (Reference::Object(address), "id") => Ok(Value::text(&format!("id of {address}"))),
            (Reference::Object(_), "status") => {
                Err(LookupError::Refused("status is known only in outputs.".to_owned()))
            }
            (Reference::Object(_), _) => Err(missing("attribute of a volume", &["id", "status"])),
            _ => Err(missing("volume", &["vols"])),
        }
    }

    fn index(&self, _: &Reference, key: &Value) -> Result<Value, LookupError> {
        match key.as_text() {
            Some(key @ ("a" | "b")) => Ok(Value::Reference(Reference::Object(volume(key)))),
            _ => Err(missing("instance of volume.vols", &["a", "b"])),
        }
    }

    fn elements(&self, _: &Reference) -> Result<Vec<(Value, Value)>, LookupError> {
        let element = |key: &str| (Value::text(key), Value::Reference(Reference::Object(volume(key))));
        Ok(vec![element("a"), element("b")])
    }
}

fn evaluate_with(limits: &Limits, text: &str) -> Result<Value, (Diagnostics, String)> {
    let mut sources = SourceMap::default();
    let file = sources.add("test", text);
    let evaluated = parse_expression(&sources, file).and_then(|expression| {
        Evaluator { sources: &sources, scope: &World, limits }.evaluate(&expression, file)
    });
    evaluated.map_err(|problems| (problems, text.to_owned()))
}

fn evaluate(text: &str) -> Result<Value, (Diagnostics, String)> {
    evaluate_with(&Limits::default(), text)
}

/// A value as a test writes it.
fn show(value: &Value) -> String {
    let join = |shown: Vec<String>| shown.join(",");
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(list) => format!("[{}]", join(list.iter().map(show).collect())),
        Value::Set(set) => format!("set[{}]", join(set.iter().map(show).collect())),
        Value::Map(map) => {
            format!("{{{}}}", join(map.iter().map(|(key, value)| format!("{key}={}", show(value))).collect()))
        }
        Value::Unknown => "unknown".to_owned(),
        Value::Sensitive(inner) => format!("sensitive({})", show(inner)),
        Value::Reference(of) => format!("<{of}>"),
    }
}

#[track_caller]
fn are(table: &[(&str, &str)]) {
    for (text, expected) in table {
        match evaluate(text) {
            Ok(value) => assert_eq!(show(&value), *expected, "{text}"),
            Err((problems, _)) => panic!("{text}: {problems:#?}"),
        }
    }
}

/// Each is refused with this summary at this part of the text.
#[track_caller]
fn are_refused(table: &[(&str, &str, &str)]) {
    for (text, summary, guilty) in table {
        let Err((problems, _)) = evaluate(text) else { panic!("{text} was accepted") };
        let problem = problems.iter().next().unwrap();
        let span = problem.subject.as_ref().unwrap().span;
        assert_eq!(
            (problem.summary, &text[span.start..span.end]),
            (*summary, *guilty),
            "{text}: {problems:#?}"
        );
    }
}

#[test]
fn numbers_are_exact() {
    are(&[
        ("18446744073709551615 + 2", "18446744073709551617"),
        ("1099511627776 * 1024 * 1024 * 1024", "1180591620717411303424"),
        ("1 - 18446744073709551615", "-18446744073709551614"),
        ("9007199254740993 - -1", "9007199254740994"),
        ("-18446744073709551616", "-18446744073709551616"),
        ("- 9223372036854775808", "-9223372036854775808"),
        ("-(5)", "-5"),
        ("3.14159265358979323846", "3.14159265358979323846"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("10 / 4", "2.5"),
        ("1 / 3 * 3", "1"),
        ("1e3", "1000"),
        ("1.5e-3", "0.0015"),
        ("-1e-3", "-0.001"),
        ("5 % 3", "2"),
        ("-5 % 3", "-2"),
        ("5.5 % 2", "1.5"),
        ("1 + 2 * 3 - 4 / 2", "5"),
    ]);
    are_refused(&[
        ("1 / 0", "Division by zero", "0"),
        ("5 % 0", "Division by zero", "0"),
        ("5 % (1 - 1)", "Division by zero", "(1 - 1)"),
        (
            "170141183460469231731687303715884105727 + 1",
            "Number out of range",
            "170141183460469231731687303715884105727 + 1",
        ),
        (
            "[1, 999999999999999999999999999999999999999999]",
            "Invalid number",
            "999999999999999999999999999999999999999999",
        ),
        ("1e300", "Invalid number", "1e300"),
    ]);
}

#[test]
fn values_are_converted_where_another_type_is_needed() {
    are(&[
        ("\"5\" + 1", "6"),
        ("var.five * 2", "10"),
        ("!\"true\"", "false"),
        ("\"true\" ? 1 : 2", "1"),
        ("1 > \"0\"", "true"),
        ("[1, 2][\"0\"]", "1"),
        ("true ? 1 : \"a\"", "\"1\""),
        ("5 == \"5\"", "false"),
        ("\"${5}\"", "5"),
        ("\"n: ${5} ${true}\"", "\"n: 5 true\""),
        ("{ (1) = 2, \"x y\" = 3, z : 4 }", "{1=2,x y=3,z=4}"),
    ]);
    are_refused(&[
        ("\"five\" + 1", "Invalid operand", "\"five\""),
        ("1 + [2]", "Invalid operand", "[2]"),
        ("null + 1", "Invalid operand", "null"),
        ("1 ? 2 : 3", "Invalid condition", "1"),
        ("true && \"maybe\"", "Invalid condition", "\"maybe\""),
        ("{ (null) = 1 }", "Invalid key", "(null)"),
        ("\"a ${null}\"", "Null in a text", "null"),
        ("\"a ${[1]}\"", "Not a text", "[1]"),
    ]);
}

#[test]
fn only_what_is_needed_is_evaluated() {
    are(&[
        ("false && 1 / 0 == 1", "false"),
        ("true || 1 / 0 == 1", "true"),
        ("true ? 1 : 1 / 0", "1"),
        ("try(1 / 0, nope.x, 3, 1 / 0)", "3"),
        ("can(1 / 0)", "false"),
        ("can(var.name)", "true"),
    ]);
}

#[test]
fn texts_are_rendered() {
    are(&[
        ("\"%{ if true }yes%{ else }no%{ endif }\"", "\"yes\""),
        ("\"%{ if false }yes\\n%{ else }\\\"no\\\"\\u00e9%{ endif }\"", "\"\\\"no\\\"é\""),
        ("\"%{ for i, x in [\"a\", \"b\"] }${i}${x},%{ endfor }\"", "\"0a,1b,\""),
        ("\"a  ${~ 1 ~}  b\"", "\"a1b\""),
        ("\"a %{~ if true ~} b %{~ endif ~} c\"", "\"abc\""),
        ("\"$${x} %%{y}\"", "\"${x} %{y}\""),
        ("<<EOT\na ${1}\n  b\nEOT\n", "\"a 1\\n  b\\n\""),
        ("<<-EOT\n    a\n      b ${1}\n    EOT\n", "\"a\\n  b 1\\n\""),
        (
            "<<-EOT\n    a\n    %{ for x in [1, 2] ~}\n      - ${x}\n    %{ endfor ~}\n    z\n    EOT\n",
            "\"a\\n  - 1\\n  - 2\\nz\\n\"",
        ),
        (
            "<<-EOT\n      %{ if true ~}\n    a\n      %{ else ~}\n    b\n      %{ endif ~}\n      z $${w}\n\n    EOT\n",
            "\"  a\\n    z ${w}\\n\\n\"",
        ),
        ("<<-EOT\nab ${1}\n    c ${2}\n    EOT\n", "\"ab 1\\n    c 2\\n\""),
        ("<<EOT\n%{ for x in [1, 2] ~}\n  - ${x}\n%{ endfor ~}\nend\nEOT\n", "\"  - 1\\n  - 2\\nend\\n\""),
        ("<<EOT\nEOT\n", "\"\""),
        ("\"e\\u0301\" == \"\\u00e9\"", "true"),
        ("\"x${\"y${\"z\"}\"}\"", "\"xyz\""),
    ]);
}

#[test]
fn collections_are_built_and_traversed() {
    are(&[
        ("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2,6]"),
        ("[for i, x in [\"a\"] : \"${i}${x}\"]", "[\"0a\"]"),
        ("{ for k, v in { a = 1, b = 2 } : v => k }", "{1=\"a\",2=\"b\"}"),
        ("{ for x in [1, 2, 3] : (x % 2) => x... }", "{0=[2],1=[1,3]}"),
        ("[for x in [[1, 2], [3]] : [for y in x : y + 1]]", "[[2,3],[4]]"),
        ("[for x in [1] : [for x in [2] : x]]", "[[2]]"),
        ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"),
        ("[{ a = [1] }, { a = [2] }][*].a[0]", "[1,2]"),
        ("[{ a = [1] }, { a = [2] }].*.a[0]", "[1]"),
        ("[{ a = [1] }, { a = [2] }].*.a.0", "[1,2]"),
        ("{ a = 1 }[*].a", "[1]"),
        ("null[*]", "[]"),
        ("{ a = { b = 3 } }.a[\"b\"]", "3"),
        ("[10, 20].1", "20"),
        ("[1, 2] == [1, 2]", "true"),
        ("{ a = 1 } != { a = 1 }", "false"),
        ("volume.vols[\"a\"].id", "\"id of volume.vols[\\\"a\\\"]\""),
        ("length(volume.vols)", "2"),
        ("keys(volume.vols)", "[\"a\",\"b\"]"),
        ("length(volume.vols[*].id)", "2"),
        ("[for k, v in volume.vols : k]", "[\"a\",\"b\"]"),
        ("volume.vols[\"a\"] == volume.vols[\"a\"]", "true"),
        ("max([1, 3, 2]...)", "3"),
    ]);
    are_refused(&[
        ("[1, 2][2]", "Invalid index", "2"),
        ("[1, 2][-1]", "Invalid index", "-1"),
        ("[1, 2][0.5]", "Invalid index", "0.5"),
        ("{ for x in [\"a\", \"a\"] : x => 1 }", "Key used twice", "x"),
        ("[for x in 5 : x]", "Nothing to iterate", "5"),
        ("var.name.length", "Nothing to look into", "length"),
        ("[1].x", "Nothing to look into", "x"),
        ("toset([1])[0]", "Nothing to look into", "0"),
    ]);
}

#[test]
fn unknown_names_come_with_a_suggestion() {
    are_refused(&[
        ("vra.name", "Unknown name", "vra"),
        ("1 + var.nmae", "Unknown name", "nmae"),
        ("volume.vosl[\"a\"].id", "Unknown name", "vosl"),
        ("volume.vols[\"c\"].id", "Unknown name", "\"c\""),
        ("volume.vols[\"a\"].status", "This cannot be read here", "status"),
        ("lenght([])", "Unknown function", "lenght"),
        ("aws::x()", "Unknown function", "aws::x()"),
        ("join(\",\")", "Wrong number of arguments", "join(\",\")"),
        ("upper([])", "Invalid argument", "[]"),
        ("upper(null)", "Invalid argument", "null"),
        ("bytes(\"20 gib\")", "Function cannot do this", "\"20 gib\""),
    ]);
    let Err((problems, _)) = evaluate("var.nmae") else { panic!() };
    assert!(problems.iter().next().unwrap().detail.contains("Did you mean `name`?"), "{problems:?}");
}

#[test]
fn all_problems_of_an_expression_are_reported() {
    let Err((problems, _)) = evaluate("[1 / 0, { a = nope }, \"${null} ${5 % 0}\", max(\"x\", \"y\")]")
    else {
        panic!()
    };
    assert_eq!(problems.len(), 6, "{problems:#?}");
}

#[test]
fn unknown_values_spread_and_known_answers_stay() {
    are(&[
        ("var.later + 1", "unknown"),
        ("\"a ${var.later}\"", "unknown"),
        ("var.later.x[0]", "unknown"),
        ("var.later[*].x", "unknown"),
        ("[for x in var.later : x]", "unknown"),
        ("var.later ? 1 : 2", "unknown"),
        ("var.later == null", "unknown"),
        ("[var.later, 1]", "[unknown,1]"),
        ("[var.later, 1][1]", "1"),
        ("false && var.later", "false"),
        ("var.later && false", "false"),
        ("var.later || true", "true"),
        ("length(var.partly)", "2"),
        ("var.partly[0]", "1"),
        ("join(\",\", var.partly)", "unknown"),
        ("toset(var.partly)", "unknown"),
        ("can(var.later)", "unknown"),
        ("{ (var.later) = 1 }", "unknown"),
        ("[for x in [1, 2] : x if var.later]", "unknown"),
    ]);
}

#[test]
fn sensitive_values_spread() {
    are(&[
        ("\"p: ${var.secret}\"", "sensitive(\"p: hush\")"),
        ("var.secret == \"hush\"", "sensitive(true)"),
        ("upper(var.secret)", "sensitive(\"HUSH\")"),
        ("var.secret == \"hush\" ? 1 : 2", "sensitive(1)"),
        ("[for x in sensitive([1]) : x]", "sensitive([1])"),
        ("{ (var.secret) = 1 }", "sensitive({hush=1})"),
        ("var.mixed.open", "1"),
        ("var.mixed.pin", "sensitive(7)"),
        ("var.mixed.pin + var.mixed.open", "sensitive(8)"),
        ("length(var.mixed)", "2"),
        ("merge(var.mixed, { open = 2 })", "{open=2,pin=sensitive(7)}"),
        ("jsonencode(var.mixed)", "sensitive(\"{\\\"open\\\":1,\\\"pin\\\":7}\")"),
        ("toset([var.secret])", "sensitive(set[\"hush\"])"),
        ("{ a = 1 }[sensitive(\"a\")]", "sensitive(1)"),
        ("sensitive([1, 2])[0]", "sensitive(1)"),
        ("nonsensitive(var.secret)", "\"hush\""),
        ("sensitive(sensitive(1))", "sensitive(1)"),
        ("var.secret != \"\" && true", "sensitive(true)"),
        ("max(sensitive([1, 2])...)", "sensitive(2)"),
        ("contains(sensitive([1]), 1)", "sensitive(true)"),
        ("sensitive(var.later)", "sensitive(unknown)"),
        ("var.list[*]", "[1,2]"),
        ("flatten([sensitive([1]), [2]])", "sensitive([1,2])"),
        ("coalesce(null, var.secret)", "sensitive(\"hush\")"),
    ]);
}

#[test]
fn a_message_never_shows_a_sensitive_value() {
    for text in [
        "var.secret + 1",
        "bytes(var.secret)",
        "{ a = 1 }[var.secret]",
        "[1][var.secret]",
        "tobool(var.secret)",
        "lookup({}, var.secret)",
        "var.secret ? 1 : 2",
        "format(var.secret, 1)",
        "join(var.secret, [[]])",
    ] {
        let Err((problems, _)) = evaluate(text) else { panic!("{text} was accepted") };
        assert!(!format!("{problems:?}").contains("hush"), "{text}: {problems:#?}");
    }
}

#[test]
fn runaway_expressions_end_with_an_error() {
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let mut bomb = "1".to_owned();
    for level in 0..12 {
        bomb = format!("length([for x{level} in {ten} : {bomb}])");
    }
    let limits = Limits { steps: 100_000, ..Limits::default() };
    for text in
        [bomb.clone(), format!("can({bomb})"), format!("try({bomb}, 1)"), format!("\"${{{bomb}}} x\"")]
    {
        let Err((problems, _)) = evaluate_with(&limits, &text) else { panic!("ended") };
        assert_eq!(problems.iter().next().unwrap().summary, "Evaluation takes too long");
        limits.spent.set(0);
    }
    are(&[("length(var.deep)", "1")]);
    are_refused(&[
        ("[var.deep]", "Value too deep", "[var.deep]"),
        ("[for x in range(900000) : [x, x]]", "Value too large", "[for x in range(900000) : [x, x]]"),
        ("range(9999999999)", "Function cannot do this", "range(9999999999)"),
        ("format(\"%999999999d\", 1)", "Function cannot do this", "\"%999999999d\""),
    ]);
    let mut laughs = "[\"ha\"]".to_owned();
    for _ in 0..7 {
        laughs = format!("[for x in [{laughs}] : flatten([x, x, x, x, x, x, x, x, x, x, x])][0]");
    }
    assert!(evaluate(&laughs).is_err());
    let doubled = (0..30).fold("\"0123456789\"".to_owned(), |inner, _| {
        format!("join(\"\", [for x in [{inner}] : replace(x, \"\", x)])")
    });
    assert!(evaluate(&doubled).is_err());
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for text in [
        format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}true", "!".repeat(100_000)),
        format!("{}1", "-".repeat(100_000)),
        format!("1{}", " + 1".repeat(100_000)),
        format!("{}1", "true ? 1 : ".repeat(100_000)),
        "\"${".repeat(100_000),
        format!("x{}", ".a".repeat(100_000)),
        format!("x{}", "[0]".repeat(100_000)),
        "\"%{ if true }".repeat(100_000),
    ] {
        assert!(evaluate(&text).is_err());
    }
    // As deep as may be is fine.
    are(&[(format!("{}1{}", "(".repeat(60), ")".repeat(60)).leak(), "1")]);
}

#[test]
fn mentions_are_collected_without_the_variables_of_a_for() {
    let text = "[for v in var.names : volume.db[v.key][\"a\"].id + local.x[*].y + v + \"${each.key} %{ for z in each.value }${z}${w}%{ endfor }\"]";
    let mut sources = SourceMap::default();
    let file = sources.add("test", text);
    let expression = parse_expression(&sources, file).unwrap();
    let mentions = references(&expression, file);
    let written: Vec<&str> =
        mentions.iter().map(|mention| &text[mention.span.start..mention.span.end]).collect();
    assert_eq!(
        written,
        ["var.names", "volume.db[v.key][\"a\"].id", "local.x[*].y", "each.key", "each.value", "w"]
    );
    let name = |name: &str| MentionStep::Attribute(name.to_owned());
    let key = MentionStep::Index(Some(InstanceKey::Name("a".into())));
    assert_eq!(mentions[1].steps, [name("db"), MentionStep::Index(None), key, name("id")]);
    assert_eq!(mentions[2].steps, [name("x"), MentionStep::Splat, name("y")]);
}

#[test]
fn offsets_are_those_of_the_file() {
    let mut sources = SourceMap::default();
    let file = sources.add("test", "\u{feff}# é\r\nvolume \"db\" {\r\n  size = 1 + nope\r\n}\r\n");
    let (body, problems) = parse(&sources, file);
    assert!(problems.is_empty(), "{problems:?}");
    let expression = &body.blocks().next().unwrap().body.get_attribute("size").unwrap().value;
    let evaluator = Evaluator { sources: &sources, scope: &World, limits: &Limits::default() };
    let problems = evaluator.evaluate(expression, file).unwrap_err();
    let span = problems.iter().next().unwrap().subject.as_ref().unwrap().span;
    assert_eq!(&sources.file(file).text[span.start..span.end], "nope");
}

#[test]
fn shared_values_cost_nothing_to_pass_on() {
    let big = Value::list((0..1000).map(Value::integer));
    let Value::List(list) = &big else { panic!() };
    let Value::List(again) = big.clone() else { panic!() };
    assert!(std::ptr::eq(list.as_slice(), again.as_slice()));
}

const TOKENS: [&str; 64] = [
    "1",
    "0",
    "1.5",
    "1e9",
    "-",
    "!",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "?",
    ":",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    "=>",
    ".",
    "...",
    "*",
    "\"",
    "\"a\"",
    "${",
    "%{",
    "}",
    "~}",
    "~",
    "if",
    "for",
    "in",
    "else",
    "endif",
    "endfor",
    "null",
    "true",
    "x",
    "var",
    ".name",
    ".list",
    ".later",
    ".secret",
    "[*]",
    "[0]",
    "length(",
    "range(",
    "format(",
    "try(",
    "merge(",
    "replace(",
    "\n",
    "<<EOT\n",
    "\nEOT\n",
    "\\",
    "é\u{301}",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn token_soup_never_panics(soup in proptest::collection::vec(0..TOKENS.len(), 0..24), spaced: bool) {
        let words: Vec<&str> = soup.into_iter().map(|index| TOKENS[index]).collect();
        let text = words.join(if spaced { " " } else { "" });
        let limits = Limits { steps: 10_000, elements: 1000, text_bytes: 10_000, ..Limits::default() };
        if let Err((problems, text)) = evaluate_with(&limits, &text) {
            for problem in &problems {
                let span = problem.subject.as_ref().unwrap().span;
                prop_assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{problem:?}");
            }
        }
        let mut sources = SourceMap::default();
        let file = sources.add("test", format!("volume \"a\" {{\n  x = {text}\n}}\nvolume \"b\" {{\n}}\n"));
        let _ = parse(&sources, file);
        let file = sources.add("test", text);
        let _ = parse(&sources, file);
    }

    #[test]
    fn arithmetic_agrees_with_wide_integers(a in -1_000_000i64..1_000_000, b in -1000i64..1000, c in 1i64..1000) {
        let value = evaluate(&format!("({a} + {b}) * {c} - {a} / {c} * {c}"));
        let expected = (i128::from(a) + i128::from(b)) * i128::from(c) - i128::from(a);
        prop_assert_eq!(show(&value.unwrap()), expected.to_string());
    }
}
