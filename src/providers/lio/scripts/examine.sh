# What may go wrong with targets of the kernel one day, a line each: a word, a tab, and what it is about.
root=/sys/kernel/config/target
if command -v systemctl >/dev/null; then
    restored=
    for unit in rtslib-fb-targetctl target targetctl; do
        if systemctl -q is-enabled "$unit.service" 2>/dev/null; then restored=yes; fi
    done
    if [ -z "$restored" ]; then printf 'not_restored\t\n'; fi
fi
for each in "$root"/core/iblock_*/vbs.*; do
    [ -d "$each" ] || continue
    marked=
    for mark in /var/lib/vbs/lio/*/.vbs/"${each##*.}".json; do
        if [ -e "$mark" ]; then marked=yes; fi
    done
    if [ -z "$marked" ]; then printf 'orphan\t%s\n' "${each#"$root/core/"}"; fi
done
