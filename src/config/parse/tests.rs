use super::*;

/// Every problem's summary and the text it points at, then the blocks that could be read.
fn problems(text: &str) -> (Vec<(&'static str, String)>, Vec<String>) {
    let mut sources = SourceMap::default();
    let file = sources.add("test.vbs.hcl", text);
    let (body, found) = parse(&sources, file);
    let text = &sources.file(file).text;
    let found = found
        .iter()
        .map(|problem| {
            let span = problem.subject.as_ref().unwrap().span;
            (problem.summary, text[span.start..span.end].to_owned())
        })
        .collect();
    let blocks = body.blocks().map(|block| block.labels[0].as_str().to_owned()).collect();
    (found, blocks)
}

#[track_caller]
fn is_refused(text: &str, expected: &[(&'static str, &str)], blocks: &[&str]) {
    let (found, read) = problems(text);
    let found: Vec<(&str, &str)> = found.iter().map(|(summary, at)| (*summary, at.as_str())).collect();
    assert_eq!(
        (found.as_slice(), read),
        (expected, blocks.iter().map(|b| (*b).to_owned()).collect()),
        "{text}"
    );
}

#[test]
fn a_right_file_has_no_problems() {
    let text = "# c\r\nvolume \"a\" {\r\n  size = \"1GiB\" // x\r\n}\r\n\r\nlocals {\n  x = <<EOT\n  { ${1} \" (\nEOT\n  y = {\n    a = \"{\"\n  }\n}";
    let mut sources = SourceMap::default();
    let file = sources.add("test", text);
    let (body, found) = parse(&sources, file);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(body.blocks().count(), 2);
}

#[test]
fn every_block_with_an_error_is_named_and_the_others_are_read() {
    is_refused(
        "volume \"a\" {\n  size = \n}\nvolume \"ok\" {\n}\nvolume \"b\" {\n  pool == 1\n}\npool \"c\" {\n  x = 'y'\n}\n",
        &[("Invalid expression", "\n"), ("Invalid expression", "="), ("Invalid expression", "'")],
        &["ok"],
    );
}

#[test]
fn what_is_not_closed_is_named_where_it_begins() {
    is_refused(
        "volume \"a\" {\n  size = \"1GiB\n}\nvolume \"ok\" {\n}\n",
        &[("String not closed", "\"")],
        &["ok"],
    );
    is_refused(
        "volume \"a\" {\n  x = foo(1\n}\nvolume \"ok\" {\n}\n",
        &[("Parenthesis not closed", "(")],
        &["ok"],
    );
    is_refused("volume \"a\" {\n  x = [1\n\nvolume \"ok\" {\n}\n", &[("Bracket not closed", "[")], &["ok"]);
    is_refused("volume \"a\" {\n  x = 1\n\nvolume \"ok\" {\n}\n", &[("Brace not closed", "{")], &["ok"]);
    is_refused("volume \"ok\" {\n}\nvolume \"a\" {\n", &[("Brace not closed", "{")], &["ok"]);
    is_refused(
        "volume \"ok\" {\n}\nlocals {\n  x = <<EOT\nabc\n}\n",
        &[("Heredoc not closed", "<<EOT")],
        &["ok"],
    );
    is_refused("volume \"ok\" {\n}\n/* abc\n", &[("Comment not closed", "/*")], &["ok"]);
    is_refused(
        "volume \"a\" {\n  x = \"b ${c\"\n}\nvolume \"ok\" {\n}\n",
        &[("Interpolation not closed", "${")],
        &["ok"],
    );
    is_refused("volume \"ok\" {\n}\n}\n", &[("Nothing to close", "}")], &["ok"]);
    is_refused("volume \"a\" {\n  x = 1)\n}\nvolume \"ok\" {\n}\n", &[("Nothing to close", ")")], &["ok"]);
}

#[test]
fn both_places_of_a_name_that_is_set_twice_are_shown() {
    for (text, first) in [
        ("volume \"a\" {\n  size = 1\n  lifecycle {\n    size = 3\n  }\n  size = 2\n}\n", 15),
        ("x = 1\ny = 2\nx = 3\n", 0),
        ("x = { a = 1, b = 2, a = 3 }\n", 6),
    ] {
        let mut sources = SourceMap::default();
        let file = sources.add("test", text);
        let (_, found) = parse(&sources, file);
        let problem = found.iter().next().unwrap();
        assert_eq!((problem.summary, found.len()), ("Set twice", 1), "{found:#?}");
        assert_eq!(problem.related[0].span.start, first, "{text}");
    }
}

#[test]
fn what_the_parser_would_let_pass_is_refused() {
    is_refused(
        "volume \"a\" {\n  x = \"a\nb\"\n}\n",
        &[("String not closed", "\""), ("String not closed", "\"")],
        &[],
    );
    is_refused("volume \"a\" {\n  x = \"a\0b\"\n}\n", &[("NUL byte", "\0")], &[]);
    is_refused("volume \"a\" {\n  x = \"\\y\"\n}\n", &[("Invalid escape sequence", "\\y")], &[]);
    is_refused("volume \"a\" {\n  x = \"\\n \\u12g4\"\n}\n", &[("Invalid escape sequence", "\\u12")], &[]);
    is_refused("x = 1 y = 2\n", &[("Invalid syntax", "y")], &[]);
    is_refused("volume \"a\" { x = 1, y = 2 }\n", &[("Invalid syntax", ",")], &[]);
}

#[test]
fn hostile_files_are_refused_and_not_crashed_on() {
    let deep = format!("x = {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(problems(&deep).0[0].0, "Nested too deeply");
    let blocks = format!("{}{}", "a {\n".repeat(100_000), "}\n".repeat(100_000));
    assert_eq!(problems(&blocks).0[0].0, "Nested too deeply");
    let operators = format!("x = 1{}\n", " + 1".repeat(100_000));
    assert_eq!(problems(&operators).0[0].0, "Expression too long");
    let negations = format!("x = {}1\n", "!".repeat(100_000));
    assert_eq!(problems(&negations).0[0].0, "Nested too deeply");
    assert_eq!(problems(&"\0".repeat(10_000)).0.len(), 1);
    assert_eq!(problems(&" ".repeat(LARGEST_SOURCE + 1)).0[0].0, "File too large");
}
