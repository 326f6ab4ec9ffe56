# What a host needs to log in to targets.
printf 'iscsiadm %s\n' "$(iscsiadm --version 2>/dev/null || :)"
if [ "$(id -u)" -eq 0 ]; then printf 'root present\n'; else printf 'root\n'; fi
for tool in udevadm blockdev; do
    if command -v "$tool" >/dev/null; then printf '%s present\n' "$tool"; else printf '%s\n' "$tool"; fi
done
