//! Good configurations, and what they come to.

use super::Numbered;
use vbs::config::declare::declare;
use vbs::config::inputs::Inputs;
use vbs::config::resolve::{Identity, resolve};
use vbs::config::value::Value;
use vbs::diag::SourceMap;
use vbs::model::desired::{Desired, Spec, VolumeSpec};
use vbs::model::{Address, Bytes};
use vbs::providers::CATALOG;

/// What a text comes to, without variables from outside. Panics with the problems of a text that has any.
fn desired(text: &str) -> Desired {
    outcome(text, |_, _| ()).0
}

fn outcome(text: &str, give: impl FnOnce(&mut SourceMap, &mut Inputs)) -> (Desired, Vec<(String, Value)>) {
    let mut sources = SourceMap::default();
    let file = sources.add("main.vbs.hcl", text);
    let mut inputs = Inputs::new("/srv/shop", "shop");
    give(&mut sources, &mut inputs);
    let schemas = CATALOG.schemas();
    let (declared, problems) = declare(&sources, &[file], &schemas);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut identities = Numbered::default();
    let (resolved, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut identities);
    assert!(problems.is_empty(), "{problems:#?}");
    let (outputs, problems) = resolved.deferred.evaluate(&|_, _| None, &|_| false);
    assert!(problems.is_empty(), "{problems:#?}");
    (resolved.desired, outputs.into_iter().map(|output| (output.name, output.value)).collect())
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn volume<'d>(desired: &'d Desired, name: &str) -> &'d VolumeSpec {
    match &desired.resources[&address(name)].spec {
        Spec::Volume(volume) => volume,
        other => panic!("{other:?}"),
    }
}

const POOL: &str = "pool \"file\" \"fast\" {\n  path = \"pools/../fast\"\n}\n";
const HYPERVISOR: &str = "hypervisor \"directory\" \"kvm\" {\n  path = \"/vms/./\"\n}\n";

#[test]
fn a_small_workspace_comes_to_its_parts() {
    let text = format!(
        r#"
        vbs {{ trash_retention = "12h" }}
        variable "size" {{ default = "1GiB" }}
        {POOL}{HYPERVISOR}
        volume "db" {{
          pool = pool.fast
          size = var.size
          labels = {{ team = "shop" }}
          lifecycle {{ prevent_destroy = true }}
        }}
        snapshot "before" {{ volume = volume.db }}
        volume "copy" {{
          pool   = pool.fast
          source = snapshot.before
        }}
        volume "data" {{
          for_each = {{ a = 1, "b/c" = 2 }}
          pool     = pool.fast
          size     = "${{each.value}}GiB"
        }}
        attachment "db" {{
          volume     = volume.db
          hypervisor = hypervisor.kvm
          vm         = "web1"
          device     = "vdb"
        }}
        output "device" {{ value = attachment.db.guest_path }}
        "#
    );
    let (desired, outputs) = outcome(&text, |_, _| ());
    assert_eq!(desired.workspace, "shop");
    assert_eq!(desired.trash_retention_seconds, 12 * 3600);
    assert_eq!(desired.containers[&address("pool.fast")].text("path"), "/srv/shop/fast");
    assert_eq!(desired.containers[&address("hypervisor.kvm")].text("path"), "/vms");
    assert_eq!(volume(&desired, "volume.db").size, Bytes(1 << 30));
    assert_eq!(volume(&desired, "volume.copy").size, Bytes(1 << 30));
    assert_eq!(volume(&desired, "volume.copy").source, Some(address("snapshot.before")));
    assert_eq!(volume(&desired, "volume.data[\"a\"]").name, "data_a");
    assert_eq!(volume(&desired, "volume.data[\"b/c\"]").name.len(), "data_".len() + 8);
    assert_eq!(volume(&desired, "volume.data[\"b/c\"]").size, Bytes(2 << 30));
    assert!(desired.resources[&address("volume.db")].prevent_destroy);
    assert_eq!(outputs, [("device".to_owned(), Value::text("/vms/web1/vdb"))]);
}

fn with_pool(text: &str) -> Desired {
    desired(&format!("{POOL}{HYPERVISOR}{text}"))
}

fn depends_on(desired: &Desired, name: &str) -> Vec<String> {
    desired.resources[&address(name)].depends_on.iter().map(ToString::to_string).collect()
}

#[test]
fn instances_refer_to_each_other_in_any_order() {
    let desired = with_pool(
        r#"
        volume "chain" {
          count  = 1000
          pool   = pool.fast
          size   = "1GiB"
          labels = count.index == 999 ? {} : { next = volume.chain[count.index + 1].id }
        }
        locals {
          c = local.b
          b = local.a
          a = volume.chain[7].path
        }
        volume "reader" {
          pool   = pool.fast
          size   = "1GiB"
          labels = { path = local.c, all = join(",", [for one in volume.chain : one.name if one.name == "chain_3"]) }
        }
        "#,
    );
    let next = desired.resources[&address("volume.chain[1]")].id.to_string();
    assert_eq!(desired.resources[&address("volume.chain[0]")].labels["next"], next);
    assert_eq!(depends_on(&desired, "volume.chain[0]"), ["volume.chain[1]"]);
    let reader = &desired.resources[&address("volume.reader")];
    assert_eq!(reader.labels["path"], "/srv/shop/fast/chain_7.img");
    assert_eq!(reader.labels["all"], "chain_3");
    assert_eq!(reader.depends_on.len(), 1000, "every instance was gone through");
}

#[test]
fn a_block_repeats_another_and_each_value_is_its_instance() {
    let desired = with_pool(
        r#"
        volume "data" {
          for_each = toset(["a", "b"])
          pool     = pool.fast
          size     = "1GiB"
        }
        attachment "data" {
          for_each   = volume.data
          volume     = each.value
          hypervisor = hypervisor.kvm
          vm         = each.key
          device     = "vdb"
        }
        volume "after" {
          pool       = pool.fast
          size       = "1GiB"
          depends_on = [volume.data]
        }
        "#,
    );
    match &desired.resources[&address("attachment.data[\"b\"]")].spec {
        Spec::Attachment(spec) => {
            assert_eq!(spec.source, address("volume.data[\"b\"]"));
            assert_eq!(spec.host_path, "/srv/shop/fast/data_b.img");
            assert_eq!(spec.vm, "b");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(depends_on(&desired, "volume.after"), ["volume.data[\"a\"]", "volume.data[\"b\"]"]);
}

#[test]
fn what_was_given_last_wins_and_is_converted() {
    let text = format!(
        r#"
        variable "size" {{ type = string }}
        variable "count" {{
          type    = number
          default = 9
        }}
        variable "tags" {{
          type    = map(string)
          default = {{}}
        }}
        variable "free" {{ default = "1" }}
        {POOL}
        volume "db" {{
          count  = var.count
          pool   = pool.fast
          size   = var.size
          labels = merge(var.tags, {{ free = var.free }})
        }}
        "#
    );
    let (desired, _) = outcome(&text, |sources, inputs| {
        inputs.text(sources, "size", "9GiB", "VBS_VAR_size", false);
        inputs.text(sources, "of_another_workspace", "x", "VBS_VAR_of_another_workspace", false);
        let file = sources.add("vbs.vars.hcl", "size = \"2GiB\"\ntags = { n = 5 }\n");
        assert!(inputs.file(sources, file).is_empty());
        inputs.text(sources, "count", "2", "--var count", true);
        inputs.text(sources, "free", "[not an expression", "--var free", true);
    });
    assert_eq!(desired.resources.len(), 2);
    assert_eq!(volume(&desired, "volume.db[1]").size, Bytes(2 << 30));
    let labels = &desired.resources[&address("volume.db[0]")].labels;
    assert_eq!((labels["n"].as_str(), labels["free"].as_str()), ("5", "[not an expression"));
}

#[test]
fn recorded_identities_are_kept() {
    let mut sources = SourceMap::default();
    let text = format!(
        "{POOL}{HYPERVISOR}volume \"db\" {{\n pool = pool.fast\n size = \"1000B\"\n}}\nattachment \"db\" {{\n volume = volume.db\n hypervisor = hypervisor.kvm\n vm = \"web\"\n}}\n"
    );
    let file = sources.add("main.vbs.hcl", text);
    let (inputs, schemas) = (Inputs::new("/srv/shop", "shop"), CATALOG.schemas());
    let (declared, problems) = declare(&sources, &[file], &schemas);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut identities = Numbered::default();
    let id = uuid::Uuid::from_u128(77);
    let container = Some(address("pool.fast"));
    identities.recorded.insert(
        address("volume.db"),
        Identity { id, serial: Some("S1".to_owned()), name: Some("old".to_owned()), container },
    );
    let device = Identity { name: Some("vdq".to_owned()), ..Identity::new(uuid::Uuid::from_u128(78)) };
    identities.recorded.insert(address("attachment.db"), device);
    let (resolved, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut identities);
    assert!(problems.is_empty(), "{problems:#?}");
    let db = volume(&resolved.desired, "volume.db");
    assert_eq!((db.name.as_str(), db.serial.as_str(), db.name_is_written), ("old", "S1", false));
    assert_eq!(db.size, Bytes(1024), "sizes are rounded up to what the pool allocates in");
    assert_eq!(resolved.desired.resources[&address("volume.db")].id, id);
    match &resolved.desired.resources[&address("attachment.db")].spec {
        Spec::Attachment(spec) => assert_eq!((spec.device.as_str(), spec.serial.as_str()), ("vdq", "S1")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn surveyed_values_reach_outputs_and_conditions() {
    let mut sources = SourceMap::default();
    let text = format!(
        r#"{POOL}
        volume "db" {{
          pool = pool.fast
          size = "1GiB"
          lifecycle {{
            precondition {{
              condition     = pool.fast.free >= bytes(self.size)
              error_message = "Only ${{pool.fast.free}} bytes are free."
            }}
            postcondition {{
              condition     = self.status == "ok"
              error_message = "It is ${{self.status}}."
            }}
          }}
        }}
        locals {{ free = pool.fast.free }}
        output "free" {{ value = "${{local.free}} bytes" }}
        "#
    );
    let file = sources.add("main.vbs.hcl", text);
    let (inputs, schemas) = (Inputs::new("/srv/shop", "shop"), CATALOG.schemas());
    let (declared, problems) = declare(&sources, &[file], &schemas);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut identities = Numbered::default();
    let (resolved, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut identities);
    assert!(problems.is_empty(), "{problems:#?}");
    let nothing = |_: &Address, _: &str| None;
    assert_eq!(resolved.deferred.evaluate(&nothing, &|_| false).0[0].value, Value::Unknown);
    assert!(resolved.deferred.preconditions(&nothing).is_empty(), "what is not known yet does not fail");
    let found = |address: &Address, name: &str| match (address.to_string().as_str(), name) {
        ("pool.fast", "free") => Some(Value::integer(5)),
        ("volume.db", "status") => Some(Value::text("missing")),
        _ => None,
    };
    assert_eq!(resolved.deferred.evaluate(&found, &|_| false).0[0].value, Value::text("5 bytes"));
    let details = |problems: vbs::diag::Diagnostics| -> Vec<String> {
        problems.into_iter().map(|problem| problem.detail).collect()
    };
    assert_eq!(details(resolved.deferred.preconditions(&found)), ["Only 5 bytes are free."]);
    assert_eq!(details(resolved.deferred.postconditions(&found)), ["It is missing."]);
}

#[test]
fn moves_and_settings_need_no_variables() {
    let mut sources = SourceMap::default();
    let text = "vbs {\n name = \"web-shop\"\n state \"sqlite\" { path = \"s.db\" }\n}\nvariable \"x\" {}\nmoved {\n from = volume.a[\"k\"]\n to = volume.b[0]\n}\n";
    let file = sources.add("main.vbs.hcl", text);
    let (declared, problems) = declare(&sources, &[file], &CATALOG.schemas());
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(declared.settings().name.as_deref(), Some("web-shop"));
    assert_eq!(declared.settings().state_path.as_deref(), Some("s.db"));
    let moves: Vec<String> = declared.moves().iter().map(|m| format!("{} to {}", m.from, m.to)).collect();
    assert_eq!(moves, ["volume.a[\"k\"] to volume.b[0]"]);
    let missing = Inputs::default().missing(&declared);
    assert_eq!(missing.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn a_value_from_a_command_line_is_never_shown_in_a_problem() {
    let mut sources = SourceMap::default();
    let file = sources.add("main.vbs.hcl", "variable \"pin\" {\n type = number\n sensitive = true\n}\n");
    let (mut inputs, schemas) = (Inputs::new("/srv/shop", "shop"), CATALOG.schemas());
    inputs.text(&mut sources, "pin", "hunter2", "--var pin", true);
    inputs.text(&mut sources, "pni", "hunter2", "--var pni", true);
    let (declared, _) = declare(&sources, &[file], &schemas);
    let (_, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut Numbered::default());
    assert_eq!(problems.len(), 2);
    let shown = vbs::ui::diagnostics::render(&problems, &sources, vbs::ui::style::Style::PLAIN);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("--var pni") && shown.contains("Did you mean pin?"), "{shown}");
}
