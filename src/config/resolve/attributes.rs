//! The attributes that can be read of what is declared.

use super::world::{Entry, Resolution, World};
use crate::config::eval::LookupError;
use crate::config::value::{Reference, Value};
use crate::model::desired::{Route, Spec};
use crate::model::{Address, Bytes, Kind};

/// The end of every message about a surveyed value in a place where it cannot be read.
pub const ONLY_AFTER_A_LOOK: &str = "Arguments must be known before any host is contacted, so such a value can be read only in outputs, preconditions and postconditions.";

/// What reading an attribute led to.
pub enum Found {
    Known(Value),
    /// Only a look at the host can tell.
    Surveyed,
}

/// Attributes that are known before any host is contacted.
fn known(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Export | Kind::Initiator => &[],
        Kind::Host => &["address", "name"],
        Kind::Pool => &["host", "name"],
        Kind::Hypervisor => &["host", "name"],
        Kind::Volume => {
            &["id", "labels", "name", "on_destroy", "path", "pool", "serial", "size", "size_bytes", "source"]
        }
        Kind::Snapshot => &["id", "labels", "name", "path", "pool", "size", "size_bytes", "volume"],
        Kind::Attachment => &[
            "access",
            "bus",
            "device",
            "guest_path",
            "host_path",
            "hypervisor",
            "serial",
            "shared",
            "snapshot",
            "target",
            "vm",
            "volume",
        ],
    }
}

/// Attributes that only a look at the host can tell.
fn surveyed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Host | Kind::Export | Kind::Initiator | Kind::Hypervisor => &[],
        Kind::Pool => &["free", "size", "used_percent"],
        Kind::Volume | Kind::Attachment => &["status"],
        Kind::Snapshot => &["created_at", "status", "used_percent"],
    }
}

/// Whether things of this kind have an attribute of this name.
pub fn is_any(kind: Kind, name: &str) -> bool {
    known(kind).contains(&name) || surveyed(kind).contains(&name)
}

/// The attribute `name` of what `address` names.
pub fn of(world: &World<'_>, address: &Address, entry: &Entry, name: &str) -> Result<Found, LookupError> {
    if surveyed(address.kind).contains(&name) {
        return Ok(Found::Surveyed);
    }
    let value = match entry {
        Entry::Host(host) => match name {
            "name" => Some(Value::text(&host.name.0)),
            "address" => Some(host.address.as_deref().map_or(Value::Null, Value::text)),
            _ => None,
        },
        Entry::Container(container) => match name {
            "name" => Some(Value::text(&container.address.label)),
            "host" => Some(Value::text(&container.host.0)),
            _ => container.settings.get(name).map(setting),
        },
        Entry::Resource(resolution) => resource(world, resolution, name),
        Entry::Failed => None,
    };
    value.map(Found::Known).ok_or_else(|| {
        let settings = match entry {
            Entry::Container(container) => container.settings.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let mut candidates: Vec<String> = settings;
        candidates
            .extend(known(address.kind).iter().chain(surveyed(address.kind)).map(|name| (*name).to_owned()));
        candidates.sort_unstable();
        LookupError::Missing { what: format!("attribute of {address}"), candidates }
    })
}

/// Whose identity shows in a value of this entry, if it does: a serial, a name in the guest, a target. All of them hold the
/// digits that an id begins with, some but for the first.
pub fn identified<'e>(entry: &'e Entry, value: &Value) -> Option<&'e Address> {
    let Entry::Resource(resolution) = entry else { return None };
    let resource = &resolution.resource;
    let (of, serial) = match &resource.spec {
        Spec::Attachment(disk) => (&disk.source, disk.serial.clone()),
        Spec::Volume(_) | Spec::Snapshot(_) => (&resource.address, resource.id.to_string()),
    };
    let digits = serial.get(1..8)?;
    shows(value, digits).then_some(of)
}

fn shows(value: &Value, digits: &str) -> bool {
    match value {
        Value::Text(text) => text.contains(digits),
        Value::Map(map) => map.iter().any(|(_, value)| shows(value, digits)),
        Value::Sensitive(inner) => shows(inner, digits),
        _ => false,
    }
}

fn texts(list: &[String]) -> Value {
    Value::list(list.iter().map(|text| Value::text(text)))
}

fn setting(setting: &crate::model::Setting) -> Value {
    use crate::model::Setting;
    match setting {
        Setting::Bool(flag) => Value::Bool(*flag),
        Setting::Text(text) => Value::text(text),
        Setting::List(list) => texts(list),
        Setting::Lists(lists) => Value::list(lists.iter().map(|list| texts(list))),
        Setting::Login(login) => Value::map([("user", Value::text(&login.user))]),
    }
}

fn resource(world: &World<'_>, resolution: &Resolution, name: &str) -> Option<Value> {
    let resource = &resolution.resource;
    let common = match name {
        "id" if resource.address.kind != Kind::Attachment => Value::text(&resource.id.to_string()),
        "labels" if resource.address.kind != Kind::Attachment => {
            Value::map(resource.labels.iter().map(|(key, value)| (key.as_str(), Value::text(value))))
        }
        "path" => Value::text(&path(world, resolution)?),
        _ => return specific(world, resolution, name),
    };
    Some(common)
}

fn specific(world: &World<'_>, resolution: &Resolution, name: &str) -> Option<Value> {
    let size = |bytes: Bytes| Value::integer(bytes.0.into());
    let value = match (&resolution.resource.spec, name) {
        (Spec::Volume(volume), "pool") => object(&volume.pool),
        (Spec::Volume(volume), "name") => Value::text(&volume.name),
        (Spec::Volume(volume), "serial") => Value::text(&volume.serial),
        (Spec::Volume(volume), "source") => volume.source.as_ref().map_or(Value::Null, object),
        (Spec::Volume(volume), "on_destroy") => Value::text(volume.on_destroy.word()),
        (Spec::Snapshot(snapshot), "volume") => object(&snapshot.volume),
        (Spec::Snapshot(snapshot), "pool") => object(&snapshot.pool),
        (Spec::Snapshot(snapshot), "name") => Value::text(&snapshot.name),
        (Spec::Volume(_) | Spec::Snapshot(_), "size") => Value::text(&resolution.size.to_string()),
        (Spec::Volume(_) | Spec::Snapshot(_), "size_bytes") => size(resolution.size),
        (Spec::Attachment(disk), _) => return attachment(world, disk, name),
        _ => return None,
    };
    Some(value)
}

fn attachment(world: &World<'_>, disk: &crate::model::desired::AttachmentSpec, name: &str) -> Option<Value> {
    let source = |kind: Kind| if disk.source.kind == kind { object(&disk.source) } else { Value::Null };
    let value = match name {
        "volume" => source(Kind::Volume),
        "snapshot" => source(Kind::Snapshot),
        "hypervisor" => object(&disk.hypervisor),
        "vm" => Value::text(&disk.vm),
        "device" => Value::text(&disk.device),
        "bus" => Value::text(disk.bus.word()),
        "access" => Value::text(disk.access.word()),
        "shared" => Value::Bool(disk.shared),
        "serial" => Value::text(&disk.serial),
        "host_path" => Value::text(&disk.host_path),
        "target" => target(&disk.route),
        "guest_path" => {
            let (schema, container) = (world.schema(&disk.hypervisor)?, world.container(&disk.hypervisor)?);
            Value::text(&(schema.guest_path)(container, disk))
        }
        _ => return None,
    };
    Some(value)
}

/// Where initiators find the volume; null where it is on the VM's own host.
fn target(route: &Route) -> Value {
    let (Route::Session { target, .. } | Route::Network { target }) = route else { return Value::Null };
    let portals = || target.portals.iter().map(|portal| Value::text(portal));
    Value::map([
        ("iqn", Value::text(&target.name)),
        ("lun", Value::integer(target.lun.into())),
        ("portal", portals().next().unwrap_or(Value::Null)),
        ("portals", Value::list(portals())),
    ])
}

fn object(address: &Address) -> Value {
    Value::Reference(Reference::Object(address.clone()))
}

/// Where a volume or snapshot is found on its pool's host.
pub fn path(world: &World<'_>, resolution: &Resolution) -> Option<String> {
    let resource = &resolution.resource;
    let (pool, name) = match &resource.spec {
        Spec::Volume(volume) => (&volume.pool, &volume.name),
        Spec::Snapshot(snapshot) => (&snapshot.pool, &snapshot.name),
        Spec::Attachment(_) => return None,
    };
    Some((world.schema(pool)?.volume_path)(world.container(pool)?, name, resource.id))
}
