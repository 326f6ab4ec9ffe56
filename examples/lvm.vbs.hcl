# Logical volumes of a storage host, thick and thin, over SSH.
#
# The volume group and the thin pool have to exist; vbs makes neither, and touches nothing in them that it did not make.
# As root, or as an account that may use sudo without a password. The host's key has to be in vbs.known_hosts beside
# this file, or in ~/.ssh/known_hosts:
#
#     vbs -f examples/lvm.vbs.hcl plan --var store=ssh://root@store1.example --var volume_group=vg0 --var thin_pool=tp0

variable "store" {
  type        = string
  default     = "ssh://root@store1.example"
  description = "The storage host: ssh://USER@HOST:PORT."
}

variable "volume_group" {
  type    = string
  default = "vg0"
}

variable "thin_pool" {
  type        = string
  default     = "tp0"
  description = "A thin pool in the volume group."
}

variable "size" {
  type    = string
  default = "64MiB"
}

host "store1" {
  address = var.store
}

# Every byte of a thick volume is set aside when it is made. What it held is overwritten before it is purged, because
# its place is given to others as it is.
pool "lvm" "thick" {
  host         = host.store1
  volume_group = var.volume_group
  wipe         = "zero"
}

# A thin volume takes room as it is written to. Nothing more than there is is promised, unless max_overcommit says so.
pool "lvm" "thin" {
  host         = host.store1
  volume_group = var.volume_group
  thin_pool    = var.thin_pool
  reserve_free = "5%"
}

volume "db" {
  pool = pool.thick
  size = var.size
}

# Room of its own for what is overwritten in the volume meanwhile; without `reserve`, for all of it.
snapshot "db_before_upgrade" {
  volume  = volume.db
  reserve = "8MiB"
}

volume "web" {
  pool = pool.thin
  size = var.size
}

snapshot "web_golden" {
  volume = volume.web
}

# Copies of a thin snapshot share with it whatever is not written to.
volume "web_worker" {
  for_each = toset(["a", "b"])
  pool     = pool.thin
  source   = snapshot.web_golden
}

output "db_disk" {
  value = volume.db.path
}
