//! What was destroyed and is kept: listed, restored, purged.

use serde_json::json;

use crate::support::{Workspace, run};

const VOLUME: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";
const KEPT: &str = "volume \"kept\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n";

/// A volume with content, destroyed while another one stays; its id.
fn destroyed(shop: &Workspace) -> String {
    shop.configure(&format!("{VOLUME}{KEPT}"));
    shop.apply();
    let mut content = vec![7u8; 1 << 20];
    content[..5].copy_from_slice(b"hello");
    shop.file_bytes("pool/db.img", &content);
    let id = shop.vbs(&["state", "show", "volume.db", "--json"]).exits(0).json();
    shop.configure(KEPT);
    shop.apply();
    assert!(!shop.path("pool/db.img").exists());
    id["resources"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_restored_has_its_data_id_and_serial() {
    let shop = Workspace::empty();
    let id = destroyed(&shop);
    shop.vbs(&["trash", "list"]).exits(0).says(&id).says("volume.db").says("db pool.fast 1 MiB");
    let listed = shop.vbs(&["trash", "list", "--json"]).exits(0).json();
    assert_eq!((&listed["trash"][0]["id"], &listed["retention_seconds"]), (&json!(id), &json!(7 * 86400)));

    let refused = shop.vbs(&["trash", "restore", &id, "--to", "volume.back"]).exits(1).says("Not declared");
    let block: String = refused
        .stderr
        .lines()
        .skip_while(|line| !line.contains("volume \"back\" {"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(block.contains("size = \"1MiB\"") && block.contains("name = \"db\""), "{block}");
    shop.configure(&format!("{KEPT}{block}"));
    shop.vbs(&["trash", "restore", &id, "--to", "volume.back"]).exits(0).says("volume.back is back.");
    assert_eq!(&std::fs::read(shop.path("pool/db.img")).unwrap()[..5], b"hello");
    let back = shop.vbs(&["state", "show", "volume.back", "--json"]).exits(0).json();
    assert_eq!(
        (&back["resources"][0]["id"], &back["resources"][0]["values"]["serial"]),
        (&json!(id), &json!(id))
    );
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    shop.vbs(&["trash", "list"]).exits(0).says("The trash is empty.");
    shop.vbs(&["recover"]).exits(0).says("Nothing to recover");
}

#[test]
fn a_restore_that_would_cover_something_is_refused() {
    let shop = Workspace::empty();
    let id = destroyed(&shop);
    let restore = |to: &str| shop.vbs(&["trash", "restore", &id, "--to", to]);
    restore("volume.kept").exits(1).says("The state has another volume.kept already");
    restore("snapshot.db").exits(1).says("Name an address of its own kind");
    shop.vbs(&["trash", "restore", "00000000-0000-4000-8000-000000000000", "--to", "volume.db"])
        .exits(1)
        .says("Not in the trash")
        .says(&id);
    shop.configure(&format!("{VOLUME}{KEPT}"));
    shop.file("pool/db.img", "somebody's");
    restore("volume.db").exits(1).says("The name \"db\" is taken");
    assert_eq!(shop.read("pool/db.img"), "somebody's");
    std::fs::remove_file(shop.path("pool/db.img")).unwrap();
    shop.configure(&format!("{KEPT}volume \"db\" {{\n pool = pool.other\n size = \"1MiB\"\n}}\npool \"file\" \"other\" {{\n path = \"other\"\n create = true\n}}\n"));
    restore("volume.db").exits(1).says("vbs does not move data between pools");
    shop.configure(&format!("{VOLUME}{KEPT}"));
    restore("volume.db").exits(0);
}

#[test]
fn purge_takes_what_was_asked_for_and_nothing_else() {
    let shop = Workspace::empty();
    let id = destroyed(&shop);
    shop.vbs(&["trash", "purge"]).exits(1);
    shop.vbs(&["trash", "purge", "--expired", "--auto-approve"]).exits(0).says("Nothing to purge");
    let typo = "00000000-0000-4000-8000-000000000000";
    shop.vbs(&["trash", "purge", &id, typo, "--auto-approve"]).exits(1).says("Not in the trash").says(&id);
    shop.vbs(&["trash", "purge", &id]).exits(1).says("Nobody can be asked").says("volume.db");
    shop.vbs(&["trash", "list"]).exits(0).says(&id);
    let mut later = shop.command(&["trash", "purge", "--expired", "--auto-approve"]);
    run(later.env("VBS_FAULT_CLOCK", (8 * 86400).to_string())).exits(0).says("removed for good");
    shop.vbs(&["trash", "list"]).exits(0).says("The trash is empty.");
    shop.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(0).says("Nothing to purge");
    assert_eq!(std::fs::read_dir(shop.path("pool/.vbs/trash")).map_or(0, Iterator::count), 0);
    assert!(shop.path("pool/kept.img").is_file());
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
}

#[test]
fn without_a_state_there_is_no_trash() {
    let shop = Workspace::with(VOLUME);
    shop.vbs(&["trash", "list"]).exits(0).says("The trash is empty.");
    shop.vbs(&["trash", "purge", "--all", "--auto-approve"]).exits(1).says("There is no state");
    assert!(!shop.path(".vbs/state.db").exists());
}

fn volume(label: &str) -> String {
    format!("volume \"{label}\" {{\n  pool = pool.fast\n  size = \"1MiB\"\n}}\n")
}

#[test]
fn the_newest_comes_first_and_an_address_is_enough_where_one_entry_fits() {
    let shop = Workspace::empty();
    let older = destroyed(&shop);
    shop.configure(&format!("{}{KEPT}", volume("a")));
    shop.apply();
    shop.configure(KEPT);
    let mut later = shop.command(&["apply", "--auto-approve"]);
    run(later.env("VBS_FAULT_CLOCK", "60")).exits(0);
    let listed = shop.vbs(&["trash", "list", "--json"]).exits(0).json();
    let addresses: Vec<&str> =
        listed["trash"].as_array().unwrap().iter().map(|e| e["was"]["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["volume.a", "volume.db"]);

    shop.configure(&format!("{VOLUME}{KEPT}"));
    shop.vbs(&["trash", "restore", "volume.nothing", "--to", "volume.db"]).exits(1).says("(was volume.db)");
    let restored = shop.vbs(&["trash", "restore", "volume.db", "--to", "volume.db"]).exits(0);
    assert!(!restored.text().contains("another address"));
    let back = shop.vbs(&["state", "show", "volume.db", "--json"]).exits(0).json();
    assert_eq!(back["resources"][0]["id"], json!(older));
    shop.configure(&format!("{VOLUME}{KEPT}{}", volume("b")));
    let moved = shop.vbs(&["trash", "restore", "volume.a", "--to", "volume.b"]).exits(0);
    moved.says("What comes back as volume.b was volume.a");
}

#[test]
fn an_address_that_fits_several_entries_is_not_guessed_at() {
    let shop = Workspace::empty();
    let ids = [destroyed(&shop), destroyed(&shop)];
    shop.configure(&format!("{VOLUME}{KEPT}"));
    let refused = shop.vbs(&["trash", "restore", "volume.db", "--to", "volume.db"]);
    refused.exits(1).says("More than one fits").says(&ids[0]).says(&ids[1]);
    // The warning names the one that it means; which is newer, a clock of seconds cannot tell here.
    let hint = shop.vbs(&["plan"]).exits(0).text();
    assert!(ids.iter().any(|id| hint.contains(&format!("vbs trash restore {id} --to volume.db"))), "{hint}");
    shop.vbs(&["trash", "restore", &ids[0], "--to", "volume.db"]).exits(0);
}

#[test]
fn a_plan_that_makes_anew_what_lies_in_the_trash_says_so() {
    let shop = Workspace::empty();
    destroyed(&shop);
    let hint = "The trash has what would be made anew";
    assert!(!shop.vbs(&["plan"]).exits(0).text().contains(hint));
    shop.configure(&format!("{VOLUME}{KEPT}"));
    shop.vbs(&["plan"]).exits(0).says(hint).says("vbs trash restore volume.db --to volume.db");
    // Another label under the old name.
    shop.configure(&format!("{}{KEPT}", VOLUME.replace("\"db\" {", "\"new\" {\n  name = \"db\"")));
    shop.vbs(&["plan"]).exits(0).says("vbs trash restore volume.db --to volume.new");
    shop.vbs(&["trash", "restore", "volume.db", "--to", "volume.new"]).exits(0);
    assert!(!shop.vbs(&["plan"]).exits(0).text().contains(hint));
}

#[test]
fn an_emptied_configuration_is_warned_of() {
    let shop = Workspace::with(VOLUME);
    shop.apply();
    shop.configure("");
    shop.vbs(&["plan"]).exits(0).says("The configuration declares nothing").says("1 to destroy");
    shop.configure(&volume("db"));
    assert!(!shop.vbs(&["plan"]).exits(0).text().contains("declares nothing"));
}

/// A purge with the destroy of one volume takes nobody else's trash, and names what it takes.
#[test]
fn a_destroy_that_purges_takes_the_trash_of_what_it_is_about() {
    let shop = Workspace::empty();
    let other = destroyed(&shop);
    let snapshot = "snapshot \"before\" {\n  volume = volume.kept\n}\n";
    shop.configure(&format!("{KEPT}{snapshot}"));
    shop.apply();
    let restored =
        shop.vbs(&["apply", "--auto-approve", "--restore", "volume.kept=snapshot.before"]).exits(0);
    assert!(restored.text().contains("what it holds now goes to the trash"), "{}", restored.text());
    let output = shop.vbs(&["destroy", "--target", "volume.kept", "--purge", "--auto-approve"]).exits(0);
    let said = output.text();
    assert_eq!(said.matches("  - volume.kept of 1 MiB (").count(), 2, "{said}");
    assert!(!said.contains("volume.db") && said.contains("which lies there already"), "{said}");
    let left = shop.vbs(&["trash", "list", "--json"]).exits(0).json();
    assert_eq!((&left["trash"][0]["id"], left["trash"].as_array().unwrap().len()), (&json!(other), 1));
    shop.configure("");
    shop.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
    shop.vbs(&["trash", "list"]).exits(0).says("The trash is empty.");
}
