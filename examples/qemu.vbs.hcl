# Disks in running QEMU processes, plugged while they run. Start the VM with a QMP socket, a port for each virtio disk and
# a controller for SCSI disks:
#
#     qemu-system-x86_64 -M q35 … -qmp unix:/run/vms/web1.qmp,server=on,wait=off \
#         -device pcie-root-port,id=rp1,chassis=1 -device virtio-scsi-pci,id=scsi0
#
# vbs needs root: its guard and its marks lie in /var/lib/vbs.

variable "socket" {
  type        = string
  default     = "/run/vms/{vm}.qmp"
  description = "The QMP socket of each VM; {vm} is its name."
}

pool "file" "fast" {
  path   = "pool"
  create = true
}

hypervisor "qemu" "example" {
  socket = var.socket
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
  device     = "sda"
  bus        = "scsi"
}

# By serial, whatever the guest calls it.
output "db_in_the_guest" {
  value = attachment.db.guest_path
}
