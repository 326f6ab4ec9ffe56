//! Resources become objects: what a block asks for, as the things that have to exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::desired::{AttachmentSpec, Desired, Resource, SnapshotSpec, Spec, VolumeSpec};
use crate::model::{
    Address, Body, Bytes, DiskBody, Object, ObjectKey, OnDestroy, Part, Record, SnapshotBody, SourceRef,
    VolumeBody,
};

/// The part of an address that holds its object. Routes with several objects name each of theirs.
pub fn part_of(spec: &Spec) -> Part {
    match spec {
        Spec::Volume(_) => Part::VOLUME,
        Spec::Snapshot(_) => Part::SNAPSHOT,
        Spec::Attachment(_) => Part::DISK,
    }
}

/// The records that the configuration wants, by object.
///
/// # Errors
/// A reference to an address that is not declared, which the configuration room has ruled out.
pub fn lower(desired: &Desired) -> Result<BTreeMap<ObjectKey, Arc<Record>>, Diagnostic> {
    desired.resources.values().map(|resource| lower_resource(desired, resource)).collect()
}

fn lower_resource(desired: &Desired, resource: &Resource) -> Result<(ObjectKey, Arc<Record>), Diagnostic> {
    let (container, body, on_destroy) = match &resource.spec {
        Spec::Volume(volume) => (volume.pool.clone(), volume_body(desired, volume)?, volume.on_destroy),
        Spec::Snapshot(snapshot) => {
            (snapshot.pool.clone(), snapshot_body(desired, snapshot)?, OnDestroy::Purge)
        }
        Spec::Attachment(attachment) => {
            (attachment.hypervisor.clone(), disk_body(desired, attachment)?, OnDestroy::Purge)
        }
    };
    let key = ObjectKey::new(resource.address.clone(), part_of(&resource.spec));
    let object = Object { key: key.clone(), id: resource.id, container, body };
    let record = Record {
        object,
        prevent_destroy: resource.prevent_destroy,
        on_destroy,
        labels: resource.labels.clone(),
        depends_on: resource.depends_on.clone(),
    };
    Ok((key, Arc::new(record)))
}

fn volume_body(desired: &Desired, volume: &VolumeSpec) -> Result<Body, Diagnostic> {
    let source = volume.source.as_ref().map(|address| source_ref(desired, address)).transpose()?;
    Ok(Body::Volume(VolumeBody {
        name: volume.name.clone(),
        size: volume.size,
        serial: volume.serial.clone(),
        source,
    }))
}

fn snapshot_body(desired: &Desired, snapshot: &SnapshotSpec) -> Result<Body, Diagnostic> {
    let origin = source_ref(desired, &snapshot.volume)?;
    Ok(Body::Snapshot(SnapshotBody {
        name: snapshot.name.clone(),
        size: size_of(desired, &snapshot.volume),
        origin,
        reserve: snapshot.reserve,
    }))
}

fn disk_body(desired: &Desired, attachment: &AttachmentSpec) -> Result<Body, Diagnostic> {
    Ok(Body::Disk(DiskBody {
        vm: attachment.vm.clone(),
        device: attachment.device.clone(),
        bus: attachment.bus,
        access: attachment.access,
        shared: attachment.shared,
        source: source_ref(desired, &attachment.source)?,
        serial: attachment.serial.clone(),
        host_path: attachment.host_path.clone(),
    }))
}

fn source_ref(desired: &Desired, address: &Address) -> Result<SourceRef, Diagnostic> {
    Ok(SourceRef { id: id_of(desired, address)?, address: address.clone() })
}

fn id_of(desired: &Desired, address: &Address) -> Result<Uuid, Diagnostic> {
    desired.resources.get(address).map(|resource| resource.id).ok_or_else(|| {
        Diagnostic::bug(format!("the resolved configuration refers to {address} and does not hold it"))
    })
}

fn size_of(desired: &Desired, volume: &Address) -> Bytes {
    match desired.resources.get(volume).map(|resource| &resource.spec) {
        Some(Spec::Volume(volume)) => volume.size,
        _ => Bytes::ZERO,
    }
}
