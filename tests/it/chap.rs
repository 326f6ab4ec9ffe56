//! Passwords that the configuration gives: what is accepted, and that nobody reads them anywhere.

use crate::support::{Workspace, run};

const SECRET: &str = "open-sesame-42";

fn configure(workspace: &Workspace, chap: &str) {
    let text = format!(
        r#"
variable "chap" {{
  type      = string
  sensitive = true
}}
host "kvm1" {{ address = "ssh://kvm1.invalid" }}
pool "lvm" "fast" {{
  volume_group = "vg0"
  export "lio" {{
    portal = "10.0.0.2:3260"
    {chap}
  }}
}}
hypervisor "directory" "kvm1" {{
  host = host.kvm1
  path = "/srv/vms"
}}
volume "db" {{
  pool = pool.fast
  size = "64MiB"
}}
attachment "db" {{
  volume     = volume.db
  hypervisor = hypervisor.kvm1
  vm         = "web1"
  device     = "vdb"
}}
"#
    );
    workspace.file("main.vbs.hcl", &text);
}

#[test]
fn a_password_comes_from_a_sensitive_variable_and_is_never_repeated() {
    let workspace = Workspace::empty();
    let validate = |chap: &str, secret: &str| {
        configure(&workspace, chap);
        let mut command = workspace.command(&["validate"]);
        let output = run(command.env("VBS_VAR_chap", secret));
        assert!(!output.text().contains(secret), "{}", output.text());
        output
    };
    let given = r#"chap = { user = "shop", password = var.chap }"#;
    validate(given, SECRET).exits(0);
    let both =
        format!("{given}\n    mutual_chap = {{ user = \"store1\", password = sensitive(\"{SECRET}2\") }}");
    configure(&workspace, &both);
    run(workspace.command(&["validate"]).env("VBS_VAR_chap", SECRET)).exits(0);
    for (chap, secret, says) in [
        (r#"chap = { user = "shop", password = "in-the-open-42" }"#, SECRET, "the password is not secret"),
        (given, "short", "12 to 64 letters, digits and signs"),
        (given, "with a blank in it", "12 to 64 letters, digits and signs"),
        (r#"chap = { user = "a b", password = var.chap }"#, SECRET, "A user has 1 to 64"),
        (r#"chap = { user = "shop" }"#, SECRET, "this is no login"),
        (r#"chap = "sometimes""#, SECRET, r#"chap is "auto", "off" or { user, password }"#),
        (
            "chap = \"off\"\n    mutual_chap = { user = \"x\", password = var.chap }",
            SECRET,
            "Leave mutual_chap out",
        ),
        (
            "chap = { user = \"shop\", password = var.chap }\n    mutual_chap = { user = \"x\", password = var.chap }",
            SECRET,
            "this is the password of `chap`",
        ),
    ] {
        validate(chap, secret).exits(1).says(says);
    }
    configure(&workspace, given);
    let text = workspace.read("main.vbs.hcl").replace("export \"lio\"", "export \"tgt\"");
    workspace.file("main.vbs.hcl", &text);
    let refused = run(workspace.command(&["validate"]).env("VBS_VAR_chap", SECRET)).exits(1);
    refused.says("tgtd knows its users by name for all of its targets together");
}
