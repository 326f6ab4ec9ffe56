//! From a configuration to files and back.

use crate::support::Workspace;

#[test]
fn a_volume_comes_stays_and_goes() {
    let shop = Workspace::with("volume \"db\" {\n  pool = pool.fast\n  size = \"1MiB\"\n}\n");
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(2).says("Plan: 1 to add");
    shop.apply().says("Apply complete!");
    assert_eq!(std::fs::metadata(shop.path("pool/db.img")).unwrap().len(), 1 << 20);
    shop.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("No changes.");
    shop.vbs(&["destroy", "--auto-approve"]).exits(0).says("Destroy complete!");
    assert!(!shop.path("pool/db.img").exists());
}

/// Whoever is left last takes a directory away that lies above several, and not only whoever made it.
#[test]
fn a_directory_above_two_containers_goes_with_the_last_of_them() {
    let block = |label: &str| {
        format!(
            "pool \"file\" \"{label}\" {{\n  path = \"base/{label}\"\n  create = true\n}}\n\
             volume \"{label}\" {{\n  pool = pool.{label}\n  size = \"1MiB\"\n  on_destroy = \"purge\"\n}}\n"
        )
    };
    let shop = Workspace::with(&block("first"));
    shop.apply();
    shop.configure(&(block("first") + &block("second")));
    shop.apply();
    shop.configure(&block("second"));
    shop.vbs(&["apply", "--auto-approve"]).exits(0);
    assert!(!shop.path("base/first").exists() && shop.path("base/second/second.img").is_file());
    shop.configure("");
    shop.vbs(&["apply", "--auto-approve"]).exits(0);
    assert!(!shop.path("base").exists());
}
