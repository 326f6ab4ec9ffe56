# Three volumes, a snapshot, a clone and two attachments, all in plain files under ./vbs-demo/.

pool "file" "demo" {
  path   = "vbs-demo/pool"
  create = true
}

hypervisor "directory" "demo" {
  path   = "vbs-demo/vms"
  create = true
}

volume "db" {
  pool = pool.demo
  size = "64MiB"
}

volume "logs" {
  pool = pool.demo
  size = "32MiB"
}

snapshot "db_before_upgrade" {
  volume = volume.db
}

# A copy of the database as it was in the snapshot. Its size is the snapshot's.
volume "db_test" {
  pool   = pool.demo
  source = snapshot.db_before_upgrade
}

attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.demo
  vm         = "web1"
  device     = "vda"
}

attachment "logs_on_web1" {
  volume     = volume.logs
  hypervisor = hypervisor.demo
  vm         = "web1"
  device     = "vdb"
}

output "db_disk" {
  value = attachment.db_on_web1.guest_path
}
