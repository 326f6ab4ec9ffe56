# One block, many volumes: for_each over a map or a set, count for a plain number.
#
# An instance's address has its key: volume.data["alpha"], volume.log[0]. Adding or removing an element of a for_each
# touches that instance alone; removing one from the middle of a count shifts all behind it, so keep count for
# volumes that are alike.

locals {
  servers = {
    alpha = { size = "32MiB", device = "vda" }
    beta  = { size = "64MiB", device = "vda" }
    gamma = { size = "32MiB", device = "vdb" }
  }
}

pool "file" "demo" {
  path   = "vbs-many/pool"
  create = true
}

hypervisor "directory" "demo" {
  path   = "vbs-many/vms"
  create = true
}

volume "data" {
  for_each = local.servers
  pool     = pool.demo
  size     = each.value.size
  labels   = { server = each.key }
}

attachment "data" {
  for_each   = local.servers
  volume     = volume.data[each.key]
  hypervisor = hypervisor.demo
  vm         = each.key
  device     = each.value.device
}

volume "log" {
  count = 2
  pool  = pool.demo
  size  = "16MiB"
}

# A snapshot of each volume whose server is on the list.
snapshot "nightly" {
  for_each = toset(["alpha", "gamma"])
  volume   = volume.data[each.key]
}

output "sizes" {
  value = { for name, volume in volume.data : name => size(volume.size_bytes) }
}

output "logs" {
  value = volume.log[*].path
}
