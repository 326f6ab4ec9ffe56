hypervisor "qemu" "a" {
  socket = "/run/vms/{vm}.qmp"
}

hypervisor "qemu" "b" {
  socket = "/run/.//vms/{vm}.qmp"
}

hypervisor "qemu" "c" {
  socket = "/run/x/../vms/{vm}.qmp"
}

# Other sockets are other VMs.
hypervisor "qemu" "d" {
  socket = "/run/vms/{vm}.qmp2"
}

hypervisor "libvirt" "e" {
}

hypervisor "libvirt" "f" {
  uri = "qemu:///system"
}
