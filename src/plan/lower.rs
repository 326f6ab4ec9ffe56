//! Resources become objects: what a block asks for, as the things that have to exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::diag::Diagnostic;
use crate::model::desired::{
    AttachmentSpec, Desired, Proving, Resource, Route, SnapshotSpec, Spec, Target, VolumeSpec,
};
use crate::model::{
    Access, Address, Body, Bytes, DiskBody, ExportBody, GrantBody, Link, Login, NetworkDisk, Object,
    ObjectKey, OnDestroy, Part, READY, Record, SessionBody, SnapshotBody, SourceRef, VolumeBody,
};

/// The part of an address that holds its object. What lies on the way to a disk are other parts, of what is attached.
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
    let mut lowering = Lowering { desired, records: BTreeMap::new() };
    for resource in desired.resources.values() {
        lowering.resource(resource)?;
    }
    Ok(lowering.records)
}

struct Lowering<'a> {
    desired: &'a Desired,
    records: BTreeMap<ObjectKey, Arc<Record>>,
}

impl Lowering<'_> {
    fn resource(&mut self, resource: &Resource) -> Result<(), Diagnostic> {
        let (container, body, on_destroy) = match &resource.spec {
            Spec::Volume(volume) => (volume.pool.clone(), self.volume(volume)?, volume.on_destroy),
            Spec::Snapshot(snapshot) => (snapshot.pool.clone(), self.snapshot(snapshot)?, OnDestroy::Purge),
            Spec::Attachment(attachment) => {
                (attachment.hypervisor.clone(), self.disk(attachment)?, OnDestroy::Purge)
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
        self.records.insert(key, Arc::new(record));
        Ok(())
    }

    fn volume(&self, volume: &VolumeSpec) -> Result<Body, Diagnostic> {
        let source = volume.source.as_ref().map(|address| self.source_ref(address)).transpose()?;
        Ok(Body::Volume(VolumeBody {
            name: volume.name.clone(),
            size: volume.size,
            serial: volume.serial.clone(),
            source,
        }))
    }

    fn snapshot(&self, snapshot: &SnapshotSpec) -> Result<Body, Diagnostic> {
        Ok(Body::Snapshot(SnapshotBody {
            name: snapshot.name.clone(),
            size: self.size_of(&snapshot.volume),
            origin: self.source_ref(&snapshot.volume)?,
            reserve: snapshot.reserve,
        }))
    }

    /// The disk, and what lies between it and its source.
    fn disk(&mut self, attachment: &AttachmentSpec) -> Result<Body, Diagnostic> {
        let source = self.source_ref(&attachment.source)?;
        let (through, network) = match &attachment.route {
            Route::Direct => (None, None),
            Route::Session { target, initiator } => {
                let way = Way::new(self, attachment, target, &source);
                let (grant, body) = way.grant(self, &initiator.label, &format!("host.{}", initiator.label));
                (Some(way.session(self, initiator, grant, body)), None)
            }
            Route::Network { target } => {
                let way = Way::new(self, attachment, target, &source);
                let who = format!("{}.{}", attachment.hypervisor.label, way.vm());
                let (grant, body) = way.grant(self, &who, &format!("vm.{who}"));
                let network = NetworkDisk {
                    target: body.target,
                    portals: target.portals.clone(),
                    lun: target.lun,
                    initiator: body.initiator,
                    login: body.login,
                    mutual: body.mutual,
                };
                (Some(grant), Some(network))
            }
        };
        Ok(Body::Disk(DiskBody {
            vm: attachment.vm.clone(),
            device: attachment.device.clone(),
            bus: attachment.bus,
            access: attachment.access,
            shared: attachment.shared,
            serial: attachment.serial.clone(),
            host_path: attachment.host_path.clone(),
            network,
            through,
            presence: None,
            size: Some(self.size_of(&source.address)),
            source,
        }))
    }

    fn source_ref(&self, address: &Address) -> Result<SourceRef, Diagnostic> {
        let id = self.desired.resources.get(address).map(|resource| resource.id).ok_or_else(|| {
            Diagnostic::bug(format!("the resolved configuration refers to {address} and does not hold it"))
        })?;
        Ok(SourceRef { id, address: address.clone() })
    }

    fn size_of(&self, address: &Address) -> Bytes {
        match self.desired.resources.get(address).map(|resource| &resource.spec) {
            Some(Spec::Volume(volume)) => volume.size,
            Some(Spec::Snapshot(snapshot)) => self.size_of(&snapshot.volume),
            Some(Spec::Attachment(_)) | None => Bytes::ZERO,
        }
    }

    /// Puts a layer in the way of what is attached. Several attachments may share it.
    fn layer(&mut self, source: &SourceRef, part: Part, container: &Address, body: Body) -> Link {
        let key = ObjectKey::new(source.address.clone(), part);
        // Not random, so that whoever plans anew finds the same; what is at stake are the ids of volumes, and those are.
        let id = derived(source.id, &key.part.0);
        let link = Link { key: key.clone(), id };
        let object = Object { key: key.clone(), id, container: container.clone(), body };
        let record = Record {
            object,
            prevent_destroy: false,
            on_destroy: OnDestroy::Purge,
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
        };
        self.records.insert(key, Arc::new(record));
        link
    }

    fn wanted(&self, key: &ObjectKey) -> Option<&Body> {
        self.records.get(key).map(|record| &record.object.body)
    }
}

/// An id that follows from another one.
fn derived(from: Uuid, word: &str) -> Uuid {
    let digest = Sha256::new().chain_update(from.as_bytes()).chain_update(word).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// One attachment's way over a target.
struct Way<'a> {
    attachment: &'a AttachmentSpec,
    target: &'a Target,
    source: &'a SourceRef,
    size: Bytes,
    export: Link,
}

impl<'a> Way<'a> {
    fn new(
        lowering: &mut Lowering<'_>,
        attachment: &'a AttachmentSpec,
        target: &'a Target,
        source: &'a SourceRef,
    ) -> Self {
        let size = lowering.size_of(&source.address);
        let is_snapshot = source.address.kind == crate::model::Kind::Snapshot;
        let body = Body::Export(ExportBody {
            source: source.clone(),
            target: target.name.clone(),
            portals: target.portals.clone(),
            serial: attachment.serial.clone(),
            device: target.device.clone(),
            access: if is_snapshot { Access::ReadOnly } else { Access::ReadWrite },
            size: Some(size),
            others: Vec::new(),
            state: READY.to_owned(),
        });
        let export = lowering.layer(source, Part::EXPORT, &target.export, body);
        Way { attachment, target, source, size, export }
    }

    /// A word for the VM that fits into names: eight digits of its own.
    fn vm(&self) -> String {
        derived(Uuid::nil(), &self.attachment.vm).simple().to_string().chars().take(8).collect()
    }

    /// What lets `who` in. Somebody who writes through any attachment may write through the grant.
    fn grant(&self, lowering: &mut Lowering<'_>, who: &str, initiator: &str) -> (Link, GrantBody) {
        let part = Part::grant(who);
        let before = lowering.wanted(&ObjectKey::new(self.source.address.clone(), part.clone()));
        let writes = matches!(before, Some(Body::Grant(grant)) if grant.access == Access::ReadWrite);
        // Of a server that knows its users by name alone, no two grants may share one.
        let own = derived(self.source.id, &part.0).simple().to_string();
        let login = |wanted: &Proving, user: &str| {
            let (user, secret) = match wanted {
                Proving::Nothing => return None,
                Proving::Own => (
                    format!("{user}-{}", own.get(..12).unwrap_or_default()),
                    format!("chap/{}/{who}/{user}", self.source.id),
                ),
                Proving::Given { user, secret } => (user.clone(), secret.clone()),
            };
            Some(Login { user, secret, fingerprint: String::new() })
        };
        let body = GrantBody {
            export: self.export.clone(),
            target: self.target.name.clone(),
            // IQNs know no underscore.
            initiator: format!("{}:{}", self.target.initiators, initiator.replace('_', "-")),
            access: if writes { Access::ReadWrite } else { self.attachment.access },
            login: login(&self.target.chap, "vbs-in"),
            mutual: login(&self.target.mutual, "vbs-out"),
            state: READY.to_owned(),
        };
        let link = lowering.layer(self.source, part, &self.target.export, Body::Grant(body.clone()));
        (link, body)
    }

    fn session(
        &self,
        lowering: &mut Lowering<'_>,
        initiator: &Address,
        grant: Link,
        granted: GrantBody,
    ) -> Link {
        let body = Body::Session(SessionBody {
            grant,
            target: granted.target,
            portals: self.target.portals.clone(),
            lun: self.target.lun,
            initiator: granted.initiator,
            login: granted.login,
            mutual: granted.mutual,
            serial: self.attachment.serial.clone(),
            access: granted.access,
            device: self.attachment.host_path.clone(),
            size: Some(self.size),
            state: "logged_in".to_owned(),
        });
        lowering.layer(self.source, Part::session(&initiator.label), initiator, body)
    }
}
