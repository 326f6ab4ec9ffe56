# What speaking with libvirt needs.
if said=$(virsh --version 2>/dev/null </dev/null); then printf 'virsh %s\n' "$said"; else printf 'virsh\n'; fi
if command -v sha256sum >/dev/null; then printf 'sha256sum present\n'; else printf 'sha256sum\n'; fi
