# Disks of libvirt's VMs, in the running VM and in its configuration. The VM needs a PCIe port for each virtio disk and a
# virtio-scsi controller for SCSI disks; `virsh edit web1` adds them:
#
#     <controller type='pci' model='pcie-root-port'/>
#     <controller type='scsi' index='0' model='virtio-scsi'/>
#
# vbs needs root: its guard and its marks lie in /var/lib/vbs.

variable "uri" {
  type        = string
  default     = "qemu:///system"
  description = "Which libvirt, as virsh -c takes it."
}

pool "file" "fast" {
  path   = "pool"
  create = true
}

hypervisor "libvirt" "example" {
  uri = var.uri
}

volume "db" {
  pool = pool.fast
  size = "16MiB"
}

volume "logs" {
  pool = pool.fast
  size = "16MiB"
}

# Each virtio disk takes a PCIe port.
attachment "db" {
  volume     = volume.db
  hypervisor = hypervisor.example
  vm         = "web1"
  device     = "vdb"
}

attachment "logs" {
  volume     = volume.logs
  hypervisor = hypervisor.example
  vm         = "web1"
  device     = "sdb"
  bus        = "scsi"
}

# By serial, whatever the guest calls it.
output "db_in_the_guest" {
  value = attachment.db.guest_path
}
