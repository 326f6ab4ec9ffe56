//! What the laws are tried on: a container of every provider, and what is made in it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::templates::command;
use crate::model::schema::{Attribute, AttributeType};
use crate::model::{
    Access, Body, Bus, Bytes, ContainerBody, ContainerRecord, ContainerSpec, DiskBody, ExportBody, GrantBody,
    Health, HostName, Kind, Link, Login, Mark, Object, ObjectKey, Observed, OnDestroy, Part, Place,
    PoolPolicy, Presence, READY, Record, SessionBody, Setting, SnapshotBody, SourceRef, Stranger, TrashEntry,
    VolumeBody,
};
use crate::plan::step::Operation;
use crate::providers::{CATALOG, Provider};

/// What a value may hold without becoming a command: all that means something to a shell.
pub const HOSTILE: &str = "a b\t'\"\\`$(exit 9)${IFS};&|<>*?[x]~#!\r\u{7f}\u{fc}\nEOF\n-rf";

pub fn id(number: u128) -> Uuid {
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

/// A container of this provider with a value for every attribute.
pub fn container(provider: &dyn Provider) -> ContainerSpec {
    container_with(provider, |_| true, None)
}

/// A value of a text that has a form of its own.
pub fn example(attribute: &str) -> &'static str {
    match attribute {
        "socket" => "/run/vms/{vm}.qmp",
        _ => "text",
    }
}

/// Containers of every kind that this provider knows: with every attribute, with those only that it needs, and with
/// every way to wipe.
pub fn containers(provider: &dyn Provider) -> Vec<ContainerSpec> {
    let wipes = [None, Some("discard"), Some("none")];
    let all = wipes.map(|wipe| container_with(provider, |_| true, wipe));
    let few = wipes.map(|wipe| container_with(provider, |attribute| attribute.required, wipe));
    all.into_iter().chain(few).collect()
}

/// The commands of a target server.
pub fn commands(verb: &str) -> Setting {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Setting::Lists(match verb {
        "export" => vec![
            words(&["tool", "new", "{number}", "{target}"]),
            words(&["tool", "lun", "{number}", "{device}"]),
        ],
        "grant" => vec![words(&["tool", "allow", "{target}", "{initiator}", "{chap_user}", "{chap_secret}"])],
        "revoke" => vec![words(&["tool", "deny", "{target}", "{initiator}"])],
        verb => vec![words(&["tool", verb, "{number}", "{device}"])],
    })
}

pub fn container_with(
    provider: &dyn Provider,
    has: impl Fn(&Attribute) -> bool,
    wipe: Option<&str>,
) -> ContainerSpec {
    let schema = provider.schema();
    let settings = (schema.attributes.iter())
        .filter(|attribute| match schema.name {
            // Which attributes go together is not said by which are required; JSON needs no pattern.
            "command" => {
                let of_lines = [".pattern", ".heading", ".ignore"];
                !of_lines.iter().any(|end| attribute.name.ends_with(end))
                    && !attribute.name.starts_with("stdin.")
            }
            _ => has(attribute),
        })
        .map(|attribute| {
            let value = match attribute.kind {
                AttributeType::Commands => commands(attribute.name),
                _ if schema.name == "command" => command(attribute.name),
                // What is not free text has its default.
                AttributeType::Text if attribute.default.is_some() => attribute.default.clone().unwrap(),
                _ if attribute.name == "portals" => Setting::List(Vec::new()),
                AttributeType::Text if attribute.name == "portal" => {
                    Setting::Text("10.0.0.2:3260".to_owned())
                }
                AttributeType::Text if attribute.name == "iqn_prefix" => {
                    Setting::Text("iqn.2026-11.vbs.shop".to_owned())
                }
                AttributeType::Path => Setting::Text("/srv/some where".to_owned()),
                AttributeType::Text => Setting::Text(example(attribute.name).to_owned()),
                AttributeType::Bool => Setting::Bool(true),
                AttributeType::Login => attribute.default.clone().unwrap(),
                AttributeType::TextList => Setting::List(vec!["text".to_owned()]),
            };
            (attribute.name.to_owned(), value)
        })
        .collect();
    schema.seated(ContainerSpec {
        address: crate::model::Address::new(schema.role, "here"),
        provider: schema.name.to_owned(),
        host: HostName::local(),
        settings,
        policy: PoolPolicy { wipe: wipe.map(str::to_owned), ..PoolPolicy::default() },
    })
}

pub fn record(container: &ContainerSpec, address: &str, part: Part, number: u128, body: Body) -> Record {
    Record {
        object: Object {
            key: ObjectKey::new(address.parse().unwrap(), part),
            id: id(number),
            container: container.address.clone(),
            body,
        },
        prevent_destroy: false,
        on_destroy: OnDestroy::Trash,
        labels: BTreeMap::new(),
        depends_on: Vec::new(),
    }
}

pub fn volume(container: &ContainerSpec, name: &str, size: u64) -> Record {
    let body = VolumeBody { name: name.to_owned(), size: Bytes(size), serial: "s1".to_owned(), source: None };
    record(container, "volume.db", Part::VOLUME, 1, Body::Volume(body))
}

pub fn snapshot(container: &ContainerSpec) -> Record {
    let origin = SourceRef { id: id(1), address: "volume.db".parse().unwrap() };
    let body = SnapshotBody { name: "snap".to_owned(), size: Bytes(4096), origin, reserve: None };
    record(container, "snapshot.s", Part::SNAPSHOT, 2, Body::Snapshot(body))
}

pub fn disk(container: &ContainerSpec, host_path: &str) -> Record {
    let configures = CATALOG.of(container).unwrap().schema().traits.configures;
    let body = DiskBody {
        vm: "web".to_owned(),
        device: "vda".to_owned(),
        bus: Bus::Virtio,
        access: Access::ReadWrite,
        shared: false,
        source: SourceRef { id: id(1), address: "volume.db".parse().unwrap() },
        serial: "s1".to_owned(),
        host_path: host_path.to_owned(),
        network: None,
        through: None,
        presence: configures.then(Presence::ready),
        size: None,
    };
    record(container, "attachment.a", Part::DISK, 3, Body::Disk(body))
}

pub fn login(fingerprint: &str) -> Option<Login> {
    let [user, secret] = ["user", "chap/user"].map(str::to_owned);
    Some(Login { user, secret, fingerprint: fingerprint.to_owned() })
}

pub const TARGET: &str = "iqn.2026-11.vbs.shop:5f1c9a3e-0000-4000-8000-000000000001";
pub const INITIATOR: &str = "iqn.2026-11.vbs.shop:host.kvm1";

pub fn export(container: &ContainerSpec, state: &str) -> Record {
    let body = ExportBody {
        source: SourceRef { id: id(1), address: "volume.db".parse().unwrap() },
        target: TARGET.to_owned(),
        portals: vec!["10.0.0.2:3260".to_owned()],
        serial: id(1).to_string(),
        device: "/dev/vg0/a".to_owned(),
        access: Access::ReadWrite,
        size: None,
        others: Vec::new(),
        state: state.to_owned(),
    };
    record(container, "volume.db", Part::EXPORT, 4, Body::Export(body))
}

pub fn grant(container: &ContainerSpec, state: &str) -> Record {
    let export = Link { key: ObjectKey::new("volume.db".parse().unwrap(), Part::EXPORT), id: id(4) };
    let body = GrantBody {
        export,
        target: TARGET.to_owned(),
        initiator: INITIATOR.to_owned(),
        access: Access::ReadWrite,
        login: login("00112233aabbccdd"),
        mutual: None,
        state: state.to_owned(),
    };
    record(container, "volume.db", Part::grant("kvm1"), 5, Body::Grant(body))
}

pub fn session(container: &ContainerSpec, size: u64, fingerprint: &str) -> Record {
    let body = SessionBody {
        grant: Link { key: ObjectKey::new("volume.db".parse().unwrap(), Part::grant("kvm1")), id: id(5) },
        target: TARGET.to_owned(),
        portals: vec!["10.0.0.2:3260".to_owned()],
        lun: 0,
        initiator: INITIATOR.to_owned(),
        login: login(fingerprint),
        mutual: None,
        serial: id(1).to_string(),
        access: Access::ReadWrite,
        device: "/dev/disk/by-id/wwn-0x6001405".to_owned(),
        size: Some(Bytes(size)),
        state: "logged_in".to_owned(),
    };
    record(container, "volume.db", Part::session("kvm1"), 6, Body::Session(body))
}

/// What is made in a container of this role, each as it is and changed in a way that needs no other object.
pub fn samples(container: &ContainerSpec) -> Vec<[Record; 2]> {
    match container.address.kind {
        Kind::Hypervisor => {
            let paths = match container.provider.as_str() {
                // It takes block devices alone.
                "xen" => ["/dev/vg0/a", "/dev/vg0/b"],
                _ => ["/srv/a.img", "/srv/b.img"],
            };
            let [one, two] = paths.map(|path| disk(container, path));
            let mut grown = one.clone();
            grown.object.body.show(Some(Bytes(8192)));
            let keeps_size = CATALOG.of(container).unwrap().schema().traits.keeps_size;
            let growing = keeps_size.then(|| [one.clone(), grown]);
            std::iter::once([one, two]).chain(growing).collect()
        }
        Kind::Export => {
            let mut moved = export(container, READY);
            if let Body::Export(body) = &mut moved.object.body {
                "/dev/vg0/b".clone_into(&mut body.device);
            }
            vec![
                [READY, "not_saved"].map(|state| export(container, state)),
                [READY, "not_saved"].map(|state| grant(container, state)),
                [export(container, READY), moved],
            ]
        }
        Kind::Initiator => {
            vec![
                [(4096, "00112233aabbccdd"), (8192, "ffffffffffffffff")]
                    .map(|(size, print)| session(container, size, print)),
            ]
        }
        _ => Vec::new(),
    }
}

pub fn found(record: &Record) -> Observed {
    Observed {
        mark: Mark {
            lineage: id(8),
            id: record.object.id,
            workspace: "shop".to_owned(),
            address: record.object.key.address.to_string(),
        },
        place: Place::Live,
        body: record.object.body.clone(),
        health: Health::Good,
        open: false,
        notes: BTreeMap::from([("lv_uuid".to_owned(), "Lf7Zdj-0000-0000-0000-0000-0000-000001".to_owned())]),
    }
}

/// The same without a mark.
pub fn stranger(record: &Record) -> Stranger {
    Stranger {
        name: record.object.body.name().unwrap().to_owned(),
        reference: "123:456".to_owned(),
        size: record.object.body.size(),
        origin: None,
        open: false,
        why_not: None,
    }
}

pub fn update(before: Record, after: Record, attached: bool) -> Operation {
    Operation::Update { live: found(&before), before, after, attached }
}

/// What is in a VM's configuration and not in the VM, for those who tell the two apart.
pub fn mended(container: &ContainerSpec) -> Option<Operation> {
    let record = samples(container).remove(0)[0].clone();
    let mut live = found(&record);
    match &mut live.body {
        Body::Disk(DiskBody { presence: Some(presence), .. }) => presence.live = "missing".to_owned(),
        _ => return None,
    }
    Some(Operation::Update { before: record.clone(), after: record, live, attached: true })
}

/// One of every operation that a provider of this role is asked for.
pub fn operations(container: &ContainerSpec) -> Vec<Operation> {
    let makes = vec!["/srv".to_owned(), "/srv/some where".to_owned()];
    let mut all = vec![
        Operation::Join { body: ContainerBody { makes: makes.clone() }, exists: false },
        Operation::Release { record: ContainerRecord { spec: container.clone(), identity: id(9), makes } },
    ];
    if container.address.kind != Kind::Pool {
        for [one, two] in samples(container) {
            all.extend([
                Operation::Create { after: one.clone(), source: Some(volume(container, "db", 4096)) },
                update(one.clone(), two, false),
                Operation::Destroy { live: found(&one), record: one.clone() },
            ]);
            if container.address.kind == Kind::Export {
                let live = Observed { place: Place::Vanished, ..found(&one) };
                all.push(Operation::Destroy { live, record: one });
            }
        }
        all.extend(mended(container));
        return all;
    }
    let [small, large] = [volume(container, "db", 4096), volume(container, "data", 8192)];
    let snapshot = snapshot(container);
    let entry = TrashEntry { id: id(1), record: small.clone(), purge: false, trashed_at: 0 };
    all.extend([
        Operation::Create { after: small.clone(), source: None },
        Operation::Create { after: large.clone(), source: Some(snapshot.clone()) },
        Operation::Create { after: snapshot.clone(), source: Some(small.clone()) },
        update(small.clone(), large.clone(), false),
        update(small.clone(), large, true),
        Operation::Restore {
            record: small.clone(),
            snapshot: snapshot.clone(),
            trash: id(7),
            live: found(&small),
        },
        Operation::Destroy { record: small.clone(), live: found(&small) },
        Operation::Destroy { live: found(&snapshot), record: snapshot },
        Operation::Purge { entries: vec![entry.clone()] },
        Operation::Adopt { found: stranger(&small), after: small.clone() },
        Operation::TakeOutOfTrash { entry, after: small },
    ]);
    all
}

/// No template marks or overwrites what is there, or moves a disk, nor does Xen, and the plan says so.
pub fn is_possible(container: &ContainerSpec, operation: &Operation) -> bool {
    let moves_disks = container.address.kind == Kind::Hypervisor;
    match operation {
        Operation::Update { before, after, .. } if container.provider == "xen" => {
            let path = |record: &Record| match &record.object.body {
                Body::Disk(disk) => disk.host_path.clone(),
                _ => String::new(),
            };
            path(before) == path(after)
        }
        _ if container.provider != "command" => true,
        Operation::Restore { .. } | Operation::Adopt { .. } => false,
        Operation::Update { .. } => !moves_disks,
        _ => true,
    }
}
