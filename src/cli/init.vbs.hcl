# A first workspace: one volume in a pool of plain files. `vbs plan` shows what it would make.

vbs {
  # The state belongs to this name, so that moving the directory changes nothing.
  name = "NAME"

  # What is destroyed is kept this long before `vbs trash purge --expired` takes it.
  trash_retention = "7d"
}

# Where volumes lie: here as files in a directory beside this one.
pool "file" "local" {
  path   = "storage"
  create = true
}

volume "first" {
  pool = pool.local
  size = "64MiB"

  # Refuses every plan that would destroy it:
  # lifecycle { prevent_destroy = true }
}

# The content of a volume as it is when the snapshot is applied:
#
# snapshot "before_upgrade" {
#   volume = volume.first
# }

# A volume in a virtual machine:
#
# hypervisor "directory" "here" {
#   path   = "vms"
#   create = true
# }
#
# attachment "first_on_web1" {
#   volume     = volume.first
#   hypervisor = hypervisor.here
#   vm         = "web1"
#   device     = "vda"
# }

output "first_path" {
  value = volume.first.path
}
