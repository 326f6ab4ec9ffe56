//! What is protected stays, whichever way somebody asks for it to go.

use super::bench::*;

const PROTECTED: &str = "  lifecycle {\n    prevent_destroy = true\n  }";

#[test]
fn protection_outlives_its_block_until_it_is_lifted() {
    let bench = Bench::applied(&volume("db", PROTECTED));
    bench.settled();
    let ways: [(&str, &str); 6] = [
        ("", "apply --auto-approve"),
        ("", "plan"),
        ("", "destroy --auto-approve"),
        ("", "destroy --purge --auto-approve"),
        ("", "apply --destroy --auto-approve"),
        ("", "apply --auto-approve --target volume.db"),
    ];
    for (blocks, arguments) in ways {
        bench.declare(blocks);
        println!("{arguments}");
        bench.changes_nothing(arguments).refuses("Protected from destruction").says("prevent_destroy");
        bench.declare(&volume("db", PROTECTED));
        if arguments != "apply --auto-approve" && arguments != "plan" && !arguments.contains("--target") {
            bench.changes_nothing(arguments).refuses("Protected from destruction");
        }
    }
    bench.changes_nothing("apply --auto-approve --replace volume.db").refuses("Protected from destruction");
    // Lifting it takes an apply of its own: the block going at once lifts nothing.
    bench.declare(&volume("db", "  lifecycle {\n    prevent_destroy = false\n  }"));
    bench.changes_nothing("destroy --auto-approve").refuses("Protected from destruction");
    bench.apply().succeeds();
    bench.settled();
    bench.declare("");
    bench.apply().succeeds();
    assert!(!bench.at("pool/db.img").exists());
}

#[test]
fn an_empty_file_does_not_get_around_it() {
    let bench = Bench::applied(&volume("db", PROTECTED));
    std::fs::write(bench.at("ws/empty.hcl"), "vbs { name = \"lab\" }\n").unwrap();
    bench
        .changes_nothing("apply -f empty.hcl --state .vbs/state.db --auto-approve")
        .refuses("Protected from destruction");
    bench
        .changes_nothing("destroy -f empty.hcl --state .vbs/state.db --auto-approve")
        .refuses("Protected from destruction");
    // Beside it: a file has a state of its own, which knows nothing of what is here.
    bench.changes_nothing("destroy -f empty.hcl --auto-approve");
}

#[test]
fn protection_moves_with_its_address() {
    let bench = Bench::applied(&volume("db", PROTECTED));
    let moved = "moved {\n  from = volume.db\n  to = volume.data\n}\n";
    bench.declare(&(volume("data", "") + moved));
    bench.apply().succeeds();
    bench.declare(&(volume("data", PROTECTED) + moved));
    bench.apply().succeeds();
    bench.declare("");
    bench.changes_nothing("apply --auto-approve").refuses("Protected from destruction").says("volume.data");
}

#[test]
fn protection_that_is_declared_now_counts_before_it_is_recorded() {
    let bench = Bench::applied(&volume("db", ""));
    bench.declare(&volume("db", PROTECTED));
    bench.changes_nothing("destroy --auto-approve").refuses("Protected from destruction");
    bench.changes_nothing("apply --auto-approve --replace volume.db").refuses("Protected from destruction");
}
