# Which lvm2 there is.
if command -v lvm >/dev/null; then
    printf 'lvm2 %s\n' "$(lvm version 2>/dev/null | sed -n 's/^ *LVM version: *//p')"
fi
