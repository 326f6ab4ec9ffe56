//! Volumes, snapshots and attachments, one instance at a time.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Identity;
use super::arguments::Arguments;
use super::attributes;
use super::world::{Entry, Local, Node, Resolution};
use crate::model::address::is_label;
use crate::model::desired::{
    AttachmentSpec, Proving, Resource, Route, SnapshotSpec, Spec, Target, VolumeSpec,
};
use crate::model::{Access, Address, Bus, Bytes, ContainerSpec, InstanceKey, Kind, OnDestroy, Setting};

impl<'w> Arguments<'w, '_> {
    /// A pool or hypervisor. Nothing while it has not been worked out, or where it has problems.
    fn container(&self, address: &Address) -> Option<&'w ContainerSpec> {
        match self.world.entries.get(address) {
            Some(Entry::Container(spec)) => Some(spec),
            Some(_) => {
                self.fail();
                None
            }
            None => self.needs(Node::Object(address.clone())),
        }
    }

    /// A volume or snapshot, as [`Arguments::container`].
    fn resolution(&self, address: &Address) -> Option<&'w Resolution> {
        match self.world.entries.get(address) {
            Some(Entry::Resource(resolution)) => Some(resolution),
            Some(_) => {
                self.fail();
                None
            }
            None => self.needs(Node::Object(address.clone())),
        }
    }

    fn needs<T>(&self, node: Node) -> Option<T> {
        self.seen.borrow_mut().needs.insert(node);
        None
    }

    /// Whether everything that was read is usable, so that an identity may be asked for.
    fn is_complete(&self) -> bool {
        !self.is_broken() && self.seen.borrow().needs.is_empty()
    }

    fn identity(&self) -> Identity {
        (self.identify)(self.address)
    }

    /// The name on the host: as written, as recorded in this pool, or derived; checked by the pool's provider.
    fn name(&self, written: Option<String>, identity: &Identity, pool: &Address) -> Option<String> {
        let recorded =
            identity.name.as_ref().filter(|_| identity.container.as_ref().is_none_or(|c| c == pool));
        let name = written.or_else(|| recorded.cloned()).unwrap_or_else(|| derived_name(self.address));
        let check = self.world.schema(pool)?.check_name;
        if let Err(why) = check(self.container(pool)?, &name) {
            let detail = format!("{} Choose another `name`.", super::arguments::sentence(&why));
            self.wrong("name", "Invalid name on the host", "this cannot be a name in the pool", detail);
            return None;
        }
        Some(name)
    }

    fn finish(&self, identity: Identity, spec: Spec, size: Bytes) -> Entry {
        let resource = Resource {
            address: self.address.clone(),
            id: identity.id,
            spec,
            depends_on: self.dependencies(),
            prevent_destroy: self.prevent_destroy(),
            ignore_changes: self.block.ignore_changes.clone(),
            labels: if self.address.kind == Kind::Attachment { Default::default() } else { self.labels() },
            place: self.block.spans.clone(),
        };
        if self.is_broken() {
            Entry::Failed
        } else {
            Entry::Resource(Box::new(Resolution { resource, size }))
        }
    }

    /// What the arguments were worked out from, and `depends_on`. A block stands for all of its instances.
    fn dependencies(&self) -> Vec<Address> {
        let seen = self.seen.borrow();
        let mut found: BTreeSet<Address> = seen.touched.clone();
        let mut locals: Vec<&String> = seen.locals.iter().collect();
        let mut visited: BTreeSet<&String> = locals.iter().copied().collect();
        while let Some(name) = locals.pop() {
            if let Some(Local::Value { touched, locals: more, .. }) = self.world.locals.get(name) {
                found.extend(touched.iter().cloned());
                locals.extend(more.iter().filter(|name| visited.insert(name)));
            }
        }
        found.extend(self.block.depends_on.iter().map(|(address, _)| address.clone()));
        // Of its own block only single instances: all of them would be itself, too.
        found.retain(|address| {
            address.kind.is_resource() && *address != self.address.block() && address != self.address
        });
        let blocks: BTreeSet<Address> =
            found.iter().filter(|address| self.is_whole(address)).cloned().collect();
        found.retain(|address| address.key.is_none() || !blocks.contains(&address.block()));
        found.into_iter().collect()
    }

    fn is_whole(&self, address: &Address) -> bool {
        address.key.is_none() && self.world.block(address).is_some_and(|block| block.is_repeated())
    }

    fn rounded(&self, size: Bytes, pool: &Address) -> Option<Bytes> {
        let unit = self.world.schema(pool)?.allocation_unit;
        let rounded = size.round_up(unit).filter(|size| *size > Bytes::ZERO);
        if rounded.is_none() {
            let detail = if size == Bytes::ZERO {
                "A volume has at least one byte.".to_owned()
            } else {
                format!(
                    "The pool allocates in units of {unit}, and rounded up to that this is larger than 9223372036854775807 bytes, the largest that storage tools count."
                )
            };
            self.wrong("size", "Invalid size", "this is not a size that a volume can have", detail);
        }
        rounded
    }
}

/// The label; with a key, `label_key` where that is a name, else the label and a hash of the key.
fn derived_name(address: &Address) -> String {
    let label = &address.label;
    let key = match &address.key {
        None => return label.to_string(),
        Some(InstanceKey::Index(index)) => index.to_string(),
        Some(InstanceKey::Name(name)) => name.to_string(),
    };
    let name = format!("{label}_{key}");
    if !key.is_empty() && is_label(&name) {
        return name;
    }
    let hash = Sha256::digest(key.as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{label}_{hash}")
}

/// One `volume`.
pub fn volume(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    let pool = arguments.reference("pool", &[Kind::Pool]);
    let pool = arguments.required("pool", pool);
    let source = arguments.reference("source", &[Kind::Volume, Kind::Snapshot]);
    let written_size = arguments.size("size");
    let written_name = arguments.text("name");
    let trash = [("trash", OnDestroy::Trash), ("purge", OnDestroy::Purge)];
    let on_destroy = arguments.word("on_destroy", &trash).unwrap_or_default();
    let (_, _) = (arguments.labels(), arguments.prevent_destroy());
    let pool = pool?;
    arguments.container(&pool)?;
    let origin = match &source {
        Some(source) => Some(arguments.resolution(source)?),
        None => None,
    };
    if !arguments.is_complete() {
        return None;
    }
    let size = volume_size(arguments, &pool, written_size, origin)?;
    let identity = arguments.identity();
    let name = arguments.name(written_name.clone(), &identity, &pool)?;
    let serial = identity.serial.clone().unwrap_or_else(|| identity.id.to_string());
    let spec = VolumeSpec {
        pool,
        name,
        name_is_written: written_name.is_some(),
        serial,
        size,
        size_is_written: written_size.is_some(),
        source,
        on_destroy,
    };
    Some(arguments.finish(identity, Spec::Volume(spec), size))
}

/// The size of a volume, rounded up, held against its source.
fn volume_size(
    arguments: &Arguments<'_, '_>,
    pool: &Address,
    written: Option<Bytes>,
    origin: Option<&Resolution>,
) -> Option<Bytes> {
    let size = match (written, origin) {
        (Some(size), _) => arguments.rounded(size, pool)?,
        (None, Some(origin)) => arguments.rounded(origin.size, pool)?,
        (None, None) => {
            let detail = "A new volume needs a size, such as \"20GiB\". Only a volume with a `source` can do without: it has the source's.";
            arguments.missing("size", "Missing size", "`size` is required here", detail);
            return None;
        }
    };
    let Some(origin) = origin else { return Some(size) };
    let source = &origin.resource;
    let source_pool = pool_of(&source.spec)?;
    if source_pool != pool {
        let detail = format!(
            "{} is in {source_pool}, and this volume is to be in {pool}. A pool can copy only what it holds: use the same pool for both.",
            source.address
        );
        arguments.wrong("source", "Source in another pool", format!("this is in {source_pool}"), detail);
        return None;
    }
    if size < origin.size {
        let detail = format!(
            "{} has {}, and a copy of it cannot have less, or its end would be lost. Ask for at least as much, or leave `size` out.",
            source.address, origin.size
        );
        arguments.wrong(
            "size",
            "Smaller than its source",
            format!("this is less than {}", origin.size),
            detail,
        );
        return None;
    }
    Some(size)
}

fn pool_of(spec: &Spec) -> Option<&Address> {
    match spec {
        Spec::Volume(volume) => Some(&volume.pool),
        Spec::Snapshot(snapshot) => Some(&snapshot.pool),
        Spec::Attachment(_) => None,
    }
}

/// One `snapshot`.
pub fn snapshot(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    let volume = arguments.reference("volume", &[Kind::Volume]);
    let volume = arguments.required("volume", volume);
    let written_name = arguments.text("name");
    let reserve = arguments.size("reserve");
    let quiesce_guest = arguments.word("quiesce", &[("none", false), ("guest", true)]).unwrap_or(false);
    let (_, _) = (arguments.labels(), arguments.prevent_destroy());
    let volume = volume?;
    let origin = arguments.resolution(&volume)?;
    let pool = pool_of(&origin.resource.spec)?.clone();
    let container = arguments.container(&pool)?;
    if reserve.is_some()
        && let Some(why) = (arguments.world.schema(&pool)?.without_effect)(container, "reserve")
    {
        arguments.without_effect("reserve", why);
    }
    if !arguments.is_complete() {
        return None;
    }
    let identity = arguments.identity();
    let name = arguments.name(written_name.clone(), &identity, &pool)?;
    let spec =
        SnapshotSpec { volume, pool, name, name_is_written: written_name.is_some(), reserve, quiesce_guest };
    Some(arguments.finish(identity, Spec::Snapshot(spec), origin.size))
}

/// One `attachment`.
pub fn attachment(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    let source = attached(arguments);
    let hypervisor = arguments.reference("hypervisor", &[Kind::Hypervisor]);
    let hypervisor = arguments.required("hypervisor", hypervisor);
    let vm = arguments.text("vm");
    let vm = arguments.required("vm", vm);
    let written_device = arguments.text("device");
    let bus = arguments.word("bus", &[("virtio", Bus::Virtio), ("scsi", Bus::Scsi)]).unwrap_or_default();
    let access = [("read_write", Access::ReadWrite), ("read_only", Access::ReadOnly)];
    let access = arguments.word("access", &access);
    let shared = arguments.flag("shared").unwrap_or(false);
    arguments.prevent_destroy();
    let (source, hypervisor, vm) = (source?, hypervisor?, vm?);
    let (container, origin) = (arguments.container(&hypervisor), arguments.resolution(&source));
    let (container, origin) = (container?, origin?);
    let access = access_to(arguments, &source, access);
    let export = export_of(arguments, container, origin);
    if !arguments.is_complete() {
        return None;
    }
    let identity = arguments.identity();
    let device = device(arguments, &hypervisor, &vm, written_device.or_else(|| identity.name.clone()))?;
    let serial = match (&origin.resource.spec, &identity.serial) {
        (Spec::Volume(volume), _) => volume.serial.clone(),
        (_, Some(serial)) => serial.clone(),
        (_, None) => origin.resource.id.to_string(),
    };
    let device_there = attributes::path(arguments.world, origin)?;
    if device_there.is_empty() {
        let detail = "The pool does not say where its volumes are on its host, so there is nothing to attach. Add `device = \"/dev/…/{name}\"` to the pool.";
        arguments.wrong("volume", "Nowhere to be found", "this has no place on its host", detail);
        return None;
    }
    let (route, host_path) = route(arguments, container, origin, export, (device_there, &serial))?;
    let spec =
        AttachmentSpec { source, hypervisor, vm, device, bus, access, shared, serial, host_path, route };
    Some(arguments.finish(identity, Spec::Attachment(spec), Bytes::ZERO))
}

/// The volume or snapshot of an attachment: one of the two is written.
fn attached(arguments: &Arguments<'_, '_>) -> Option<Address> {
    let volume = arguments.reference("volume", &[Kind::Volume]);
    let snapshot = arguments.reference("snapshot", &[Kind::Snapshot]);
    match (volume, snapshot) {
        (Some(_), Some(_)) => {
            let detail = "An attachment shows one thing to a VM. Remove `volume` or `snapshot`, or write two attachments.";
            arguments.wrong("snapshot", "Volume and snapshot", "there is a `volume` as well", detail);
            None
        }
        (None, None) => {
            if arguments.is_complete() {
                let detail = "Write `volume = volume.NAME`, or `snapshot = snapshot.NAME` to attach a snapshot read-only.";
                arguments.missing("", "Nothing to attach", "`volume` or `snapshot` is required here", detail);
            }
            None
        }
        (one, other) => one.or(other),
    }
}

fn access_to(arguments: &Arguments<'_, '_>, source: &Address, written: Option<Access>) -> Access {
    if source.kind != Kind::Snapshot {
        return written.unwrap_or_default();
    }
    if written == Some(Access::ReadWrite) {
        let detail = "A snapshot keeps what a volume held at one moment, so nobody may write to it. Leave `access` out, or attach a volume made from it: `source = snapshot.NAME`.";
        arguments.wrong("access", "Writable snapshot", "a snapshot is read-only", detail);
    }
    Access::ReadOnly
}

/// The export that an attachment goes through; nothing where the VM reaches the volume on its own host.
fn export_of<'w>(
    arguments: &Arguments<'w, '_>,
    hypervisor: &ContainerSpec,
    origin: &Resolution,
) -> Option<&'w ContainerSpec> {
    let pool = pool_of(&origin.resource.spec).and_then(|pool| arguments.world.container(pool))?;
    let address = Address { kind: Kind::Export, ..pool.address.clone() };
    let is_there = arguments.world.declared.blocks.contains_key(&address);
    if pool.host == hypervisor.host && !(is_there && hypervisor.text("initiator") == "builtin") {
        return None;
    }
    if is_there {
        return arguments.container(&address);
    }
    if arguments.world.declared.broken.contains(&address) {
        arguments.fail();
        return None;
    }
    let detail = format!(
        "{} is on host {}, and {} is on host {}. To reach it from there, the pool needs an `export` block, such as `export \"lio\" {{ portal = \"IP:3260\" }}` in {}.",
        origin.resource.address, pool.host, hypervisor.address, hypervisor.host, pool.address
    );
    arguments.wrong("hypervisor", "Not on one host", format!("this is on host {}", hypervisor.host), detail);
    None
}

/// The way from the pool to the hypervisor, and where the volume is found at its end.
fn route(
    arguments: &Arguments<'_, '_>,
    hypervisor: &ContainerSpec,
    origin: &Resolution,
    export: Option<&ContainerSpec>,
    (device, serial): (String, &str),
) -> Option<(Route, String)> {
    let Some(export) = export else { return Some((Route::Direct, device)) };
    let schema = arguments.world.schema(&export.address)?;
    let workspace = arguments.world.workspace.replace('_', "-");
    let initiators = format!("iqn.2026-11.vbs.{workspace}");
    let prefix = match export.text("iqn_prefix") {
        "" => initiators.clone(),
        written => written.to_owned(),
    };
    let portals = match export.settings.get("portals") {
        Some(Setting::List(list)) if !list.is_empty() => list.clone(),
        _ => vec![export.text("portal").to_owned()],
    };
    let proving = |name: &str| match export.settings.get(name) {
        Some(Setting::Login(login)) => {
            Proving::Given { user: login.user.clone(), secret: Target::given(&export.address, name) }
        }
        _ if export.text(name) == "auto" => Proving::Own,
        _ => Proving::Nothing,
    };
    let target = Box::new(Target {
        export: export.address.clone(),
        name: format!("{prefix}:{}", origin.resource.id),
        initiators,
        portals,
        lun: (schema.lun)(export),
        chap: proving("chap"),
        mutual: proving("mutual_chap"),
        device,
    });
    if hypervisor.text("initiator") == "builtin" {
        return Some((Route::Network { target }, String::new()));
    }
    let initiator = Address::new(Kind::Initiator, &hypervisor.host.0);
    let path = (schema.device_path)(export, serial);
    if path.is_empty() {
        let detail = format!(
            "{} does not say under which name a host finds its disks. Add `by_id = \"/dev/disk/by-id/…\"` to its block.",
            export.address
        );
        arguments.wrong("hypervisor", "Nowhere to be found", "its host would not find the disk", detail);
        return None;
    }
    Some((Route::Session { target, initiator }, path))
}

fn device(
    arguments: &Arguments<'_, '_>,
    hypervisor: &Address,
    vm: &str,
    device: Option<String>,
) -> Option<String> {
    let Some(device) = device else {
        let detail = "Name the device that the VM is to see, such as \"vdb\". It is not chosen for you, because another attachment could then change it.";
        arguments.missing("device", "Missing device", "`device` is required here", detail);
        return None;
    };
    let check = arguments.world.schema(hypervisor)?.check_disk;
    if let Err(why) = check(vm, &device) {
        let detail = format!("{} Choose another `vm` or `device`.", super::arguments::sentence(&why));
        arguments.wrong(
            "device",
            "Invalid VM or device",
            format!("device {device:?} of the VM {vm:?}"),
            detail,
        );
        return None;
    }
    Some(device)
}

#[cfg(test)]
mod tests {
    use super::derived_name;

    #[test]
    fn names_on_disk_come_from_the_address() {
        for (address, name) in [
            ("volume.db", "db"),
            ("volume.db[3]", "db_3"),
            ("volume.db[\"web_1\"]", "db_web_1"),
            ("volume.db[\"a/b\"]", "db_c14cddc0"),
            ("volume.db[\"\"]", "db_e3b0c442"),
        ] {
            assert_eq!(derived_name(&address.parse().unwrap()), name, "{address}");
        }
    }
}
