# What may go wrong with targets of tgtd one day, a line each: a word, a tab, and what it is about.
if [ "$control" = 0 ] && command -v systemctl >/dev/null; then
    enabled=
    for unit in tgt tgtd; do
        if systemctl -q is-enabled "$unit.service" 2>/dev/null; then enabled=yes; fi
    done
    if [ -z "$enabled" ]; then printf 'off\t\n'; fi
fi
if command -v tgtadm >/dev/null && ! said=$(tgtadm -C "$control" --lld iscsi --op show --mode target 2>&1); then
    printf 'silent\t%s\n' "$control"
fi
included=
if [ -r /etc/tgt/targets.conf ]; then
    while read -r word pattern rest; do
        case $word/$pattern in "include/$config/"*) included=yes ;; esac
    done </etc/tgt/targets.conf
fi
if [ -z "$included" ]; then printf 'not_included\t%s\n' "$config"; fi
for each in "$config"/vbs.*.conf; do
    [ -e "$each" ] || continue
    id=${each##*/vbs.}
    marked=
    for mark in /var/lib/vbs/tgt/*/.vbs/"${id%.conf}".json; do
        if [ -e "$mark" ]; then marked=yes; fi
    done
    if [ -z "$marked" ]; then printf 'orphan\t%s\n' "$each"; fi
done
