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
