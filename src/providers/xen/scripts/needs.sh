# What attaching to Xen's guests needs.
number=
for word in $(xl info xen_version 2>/dev/null </dev/null); do number=$word; done
printf 'xl %s\n' "$number"
if command -v xenstore-ls >/dev/null; then printf 'xenstore-ls present\n'; else printf 'xenstore-ls\n'; fi
if [ "$(id -u)" = 0 ]; then printf 'root present\n'; else printf 'root\n'; fi
