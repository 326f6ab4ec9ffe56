//! What README.md says is typed and read, is. Its `console` blocks are run from the first to the last, as a newcomer
//! would, and what is printed is held against what stands there.
//!
//! `VBS_BLESS=1 cargo test --test it readme` writes down what the program really printed. Read the difference.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;

/// A command of a block, with what is printed below it.
#[derive(Debug, Default)]
struct Prompt {
    /// The command's lines, as they stand: a here-document belongs to its command.
    command: Vec<String>,
    output: Vec<String>,
}

/// The document, cut into what is run and what is not.
#[derive(Debug)]
enum Part {
    Text(String),
    Console(Vec<Prompt>),
}

const BEGIN: &str = "```console";
const END: &str = "```";

fn parts(document: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if line == BEGIN {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != END).collect();
            parts.push(Part::Console(prompts(&block)));
        } else {
            parts.push(Part::Text(line.to_owned()));
        }
    }
    parts
}

fn prompts(block: &[&str]) -> Vec<Prompt> {
    let mut prompts: Vec<Prompt> = Vec::new();
    let mut lines = block.iter();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            prompts
                .last_mut()
                .expect("a console block begins with a command")
                .output
                .push((*line).to_owned());
            continue;
        };
        let mut prompt = Prompt { command: vec![command.to_owned()], output: Vec::new() };
        if command.contains("<<'END'") {
            for line in lines.by_ref() {
                prompt.command.push((*line).to_owned());
                if *line == "END" {
                    break;
                }
            }
        }
        prompts.push(prompt);
    }
    prompts
}

fn written(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(line) => text.push_str(&format!("{line}\n")),
            Part::Console(prompts) => {
                let lines = prompts.iter().flat_map(|p| {
                    let first = p.command.iter().take(1).map(|line| format!("$ {line}"));
                    first.chain(p.command.iter().skip(1).cloned()).chain(p.output.iter().cloned())
                });
                text.push_str(&format!("{BEGIN}\n{}\n{END}\n", lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    text
}

/// A newcomer's machine: a checkout, a home, and a shell that remembers where it is and how the last command ended.
struct Shell {
    directory: tempfile::TempDir,
    here: PathBuf,
    status: i32,
}

impl Shell {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let (checkout, home) = (root.join("ada/vbs"), root.join("ada"));
        std::fs::create_dir_all(checkout.join("examples")).unwrap();
        std::fs::create_dir_all(home).unwrap();
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vbs"), root.join("bin/vbs")).unwrap();
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, checkout.join("examples").join(path.file_name().unwrap())).unwrap();
        }
        Shell { directory, here: checkout, status: 0 }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Both streams, in the order in which they were written.
    fn run(&mut self, command: &str) -> Vec<String> {
        let command = command.replace("cargo run --release -- ", "vbs ");
        let (printed, place) = (self.root().join("printed"), self.root().join("place"));
        // Braces keep `cd` in this shell; the file keeps the order of both streams.
        let script = format!(
            "exec >'{0}' 2>&1\n(exit {1})\n{command}\nstatus=$?\npwd >'{2}'\nexit $status",
            printed.display(),
            self.status,
            place.display()
        );
        let status = Command::new("bash")
            .arg("-c")
            .arg(script)
            .current_dir(&self.here)
            .env_clear()
            .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.root().join("bin").display()))
            .env("HOME", self.root().join("ada"))
            .env("USER", "ada")
            .stdin(Stdio::null())
            .status()
            .unwrap();
        self.status = status.code().unwrap_or(-1);
        self.here = PathBuf::from(std::fs::read_to_string(place).unwrap().trim_end());
        let text = String::from_utf8(std::fs::read(printed).unwrap()).unwrap();
        let home = self.root().display().to_string();
        // What a shell says of a job that was killed is its own business, and differs from shell to shell.
        let lines = text.lines().filter(|line| !(line.starts_with("bash: line") && line.contains("Killed")));
        lines.map(|line| line.replace(&home, "/home")).collect()
    }
}

/// What is compared: without line breaks, whose places depend on the lengths of names, and without what differs from run
/// to run and machine to machine: times, ids, processes, sizes of disks. Lines of steps that run side by side come in
/// any order.
fn masked(lines: &[String]) -> String {
    let step = Regex::new(r"^(volume|snapshot|attachment|pool|hypervisor)\.\S+: ").unwrap();
    let mut lines = lines.to_vec();
    for run in lines.chunk_by_mut(|a, b| step.is_match(a) && step.is_match(b)) {
        run.sort();
    }
    let mut text = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let masks = [
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ID"),
        (r"\b\d+\.\ds\b", "TIME"),
        (r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}Z)?", "DATE"),
        (r"of ada on \S+ \(vbs (\w+), pid \d+,", "of USER (vbs $1, pid PID,"),
        (r"\bof [\d.]+ (B|[KMGTP]iB) used", "of SIZE used"),
        (r"(pool\.\S+) [\d.]+ [KMGTP]iB [\d.]+ [KMGTP]iB ", "$1 SIZE FREE "),
    ];
    for (pattern, mask) in masks {
        text = Regex::new(pattern).unwrap().replace_all(&text, mask).into_owned();
    }
    text
}

/// Whether `found` is what is written; a line `…` stands for any lines.
fn agrees(written: &[String], found: &[String]) -> bool {
    let found = masked(found);
    match written.iter().position(|line| line == "…") {
        None => masked(written) == found,
        Some(at) => {
            let (start, end) = (masked(&written[..at]), masked(&written[at + 1..]));
            found.len() >= start.len() + end.len() && found.starts_with(&start) && found.ends_with(&end)
        }
    }
}

/// A command that prints a number which is another one each time.
fn counts(prompt: &Prompt) -> bool {
    prompt.command[0].contains("grep -c") && prompt.output.first().is_some_and(|line| line != "0")
}

#[test]
fn every_command_of_the_readme_prints_what_stands_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut parts = parts(&std::fs::read_to_string(&path).unwrap());
    let bless = std::env::var_os("VBS_BLESS").is_some();
    let mut shell = Shell::new();
    let mut wrong = Vec::new();
    let mut commands = 0;
    for prompt in
        parts.iter_mut().filter_map(|p| if let Part::Console(list) = p { Some(list) } else { None }).flatten()
    {
        commands += 1;
        let found = shell.run(&prompt.command.join("\n"));
        let number = |lines: &[String]| lines.len() == 1 && lines[0].parse::<u32>().is_ok_and(|n| n > 0);
        if agrees(&prompt.output, &found) || (counts(prompt) && number(&prompt.output) && number(&found)) {
            continue;
        }
        wrong.push(format!("$ {}\n{}", prompt.command.join("\n"), found.join("\n")));
        prompt.output = found;
    }
    assert!(commands >= 10, "only {commands} commands were found");
    if bless {
        std::fs::write(&path, written(&parts)).unwrap();
    } else {
        assert!(wrong.is_empty(), "README.md says otherwise:\n\n{}", wrong.join("\n\n"));
    }
}

#[test]
fn a_document_is_put_together_as_it_was() {
    let document = "# a\n\n```console\n$ cat <<'END'\nx\nEND\nx\n$ true\n```\n\nb\n";
    assert_eq!(written(&parts(document)), document);
}
