# What VMs see: a disk for writing, one volume for several VMs, a snapshot to read.
#
# With a `directory` hypervisor an attachment is a symbolic link <path>/<vm>/<device> to the image, for VMs that a
# script, Firecracker or Cloud Hypervisor starts.

pool "file" "demo" {
  path   = "vbs-attachments/pool"
  create = true
}

hypervisor "directory" "demo" {
  path   = "vbs-attachments/vms"
  create = true
}

volume "db" {
  pool = pool.demo
  size = "32MiB"
}

volume "media" {
  pool = pool.demo
  size = "32MiB"
}

snapshot "db_yesterday" {
  volume = volume.db
}

attachment "db" {
  volume     = volume.db
  hypervisor = hypervisor.demo
  vm         = "db1"
  device     = "vda"
}

# Two writers on one volume end in a ruined file system, unless it is a cluster's. So every one of them has to say it.
attachment "media_web1" {
  volume     = volume.media
  hypervisor = hypervisor.demo
  vm         = "web1"
  device     = "vda"
  shared     = true
}

attachment "media_web2" {
  volume     = volume.media
  hypervisor = hypervisor.demo
  vm         = "web2"
  device     = "vda"
  shared     = true
}

# Readers beside the writer need not say it.
attachment "db_reports" {
  volume     = volume.db
  hypervisor = hypervisor.demo
  vm         = "reports1"
  device     = "vda"
  access     = "read_only"
}

# A snapshot is always read-only.
attachment "db_audit" {
  snapshot   = snapshot.db_yesterday
  hypervisor = hypervisor.demo
  vm         = "audit1"
  device     = "vda"
}

output "disks" {
  value = {
    db1    = attachment.db.guest_path
    audit1 = attachment.db_audit.guest_path
  }
}
