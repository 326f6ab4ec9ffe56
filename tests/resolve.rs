//! Good configurations, and what they come to.

mod common;

use common::Numbered;
use vbs::config::declare::declare;
use vbs::config::inputs::Inputs;
use vbs::config::resolve::resolve;
use vbs::config::value::Value;
use vbs::diag::SourceMap;
use vbs::model::desired::{Desired, Spec, VolumeSpec};
use vbs::model::{Address, Bytes};

/// What a text comes to, without variables from outside. Panics with the problems of a text that has any.
fn desired(text: &str) -> Desired {
    outcome(text, |_, _| ()).0
}

fn outcome(text: &str, give: impl FnOnce(&mut SourceMap, &mut Inputs)) -> (Desired, Vec<(String, Value)>) {
    let mut sources = SourceMap::default();
    let file = sources.add("main.vbs.hcl", text);
    let mut inputs = Inputs::new("/srv/shop", "shop");
    give(&mut sources, &mut inputs);
    let schemas = common::schemas();
    let (declared, problems) = declare(&sources, &[file], &schemas);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut identities = Numbered::default();
    let (resolved, problems) = resolve(&declared, &sources, &schemas, &inputs, &mut identities);
    assert!(problems.is_empty(), "{problems:#?}");
    let (outputs, problems) = resolved.deferred.evaluate(&|_, _| None);
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
