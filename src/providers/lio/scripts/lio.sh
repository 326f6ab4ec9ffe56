# What the scripts of a LIO server share. One target for each export, with the one LUN 0 of one backstore, whose name says
# whose it is. Everything is done in configfs: targetcli tells nothing that a program could read, and shows every LUN to
# every initiator unless it is told otherwise.
#
# `export` is the id of the export, `target` its name.
root=/sys/kernel/config/target
tpg=$root/iscsi/$target/tpgt_1
backstore=vbs.$vbs_lineage.$export

# The backstore of this export into $found: its directory, or nothing.
find_backstore() {
    found=
    for each in "$root"/core/iblock_*/"$backstore"; do
        if [ -d "$each" ]; then found=$each; fi
    done
}

# Refuses unless the target is served by our backstore, or by none. Another one of that name is not ours to change.
same_target() {
    for each in "$tpg"/lun/lun_*/*; do
        [ -L "$each" ] || continue
        case $(readlink -f -- "$each") in
            */"$backstore") ;;
            *) vbs_refuse "the target $target serves ${each##*/}, which vbs did not make" ;;
        esac
    done
}

# Whoever is logged in as $1, waited for up to 5 s: a logout takes a moment to arrive.
is_connected() {
    patience=10
    while :; do
        case $(cat "$tpg/acls/$1/info" 2>/dev/null) in
            '' | 'No active iSCSI Session'*) return 1 ;;
        esac
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || return 0
        sleep 0.5
    done
}

# Shuts an initiator out. Its session must have ended, unless $2 says that it is to be ended here: then no LUN is mapped for it
# any more before anything else is done.
shut_out() {
    [ -d "$tpg/acls/$1" ] || return 0
    if [ -z "${2-}" ] && is_connected "$1"; then vbs_refuse "$1 is logged in to $target: log it out first"; fi
    for each in "$tpg/acls/$1"/lun_*; do
        [ -d "$each" ] || continue
        for link in "$each"/*; do
            if [ -L "$link" ]; then rm -f -- "$link"; fi
        done
        rmdir -- "$each"
    done
    rmdir -- "$tpg/acls/$1"
}

# Brings what the file says of this target in line with the kernel; all else in it stays as it is. rtslib is what restores
# the file when the host starts, so what it makes of the kernel's state is what it understands.
save() {
    python3 -I -W ignore - "$target" "$backstore" "$store" <<'python'
import json, os, sys
from rtslib_fb import RTSRoot
# Debian's is /etc/rtslib-fb-target/saveconfig.json, others' /etc/target/saveconfig.json.
from rtslib_fb.root import default_save_file as path
wwn, name, seat = sys.argv[1:]
made, noted = seat + '/saved.made', seat + '/saved.path'
with open(noted, 'w') as file:
    file.write(path + '\n')
directory = os.path.dirname(path)
os.makedirs(directory, mode=0o700, exist_ok=True)
def read():
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return b''
for attempt in range(5):
    before = read()
    config = json.loads(before) if before.strip() else {}
    had = bool(before.strip())
    for kind in ('storage_objects', 'targets', 'fabric_modules'):
        config.setdefault(kind, [])
    def put(kind, is_it, now):
        kept = config[kind]
        places = [i for i, entry in enumerate(kept) if is_it(entry)]
        if now and places:
            kept[places[0]] = now
        elif now:
            kept.append(now)
        config[kind] = [e for i, e in enumerate(kept) if not is_it(e) or (now and e is now)]
    root = RTSRoot()
    stores = [s for s in root.storage_objects if s.plugin == 'block' and s.name == name]
    targets = [t for t in root.targets if t.wwn == wwn and t.fabric_module.name == 'iscsi']
    put('storage_objects', lambda e: e.get('plugin') == 'block' and e.get('name') == name, stores[0].dump() if stores else None)
    put('targets', lambda e: e.get('fabric') == 'iscsi' and e.get('wwn') == wwn, targets[0].dump() if targets else None)
    empty = not any(config[kind] for kind in config if isinstance(config[kind], list))
    if empty:
        # A file that was not there before the first export goes with the last one.
        if os.path.exists(made):
            if read() != before:
                continue
            if had:
                os.unlink(path)
            os.unlink(made)
            break
        if not had:
            break
    elif not had:
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT, 0o600))
    text = json.dumps(config, sort_keys=True, indent=2).encode() + b'\n'
    if before and json.loads(before) == config:
        break
    temporary = path + '.vbs'
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(file, 0o600)
        os.write(file, text)
        os.fsync(file)
    finally:
        os.close(file)
    # Somebody else may have saved meanwhile: then what they wrote is read again.
    if read() != before:
        os.unlink(temporary)
        continue
    os.rename(temporary, path)
    place = os.open(directory, os.O_RDONLY)
    os.fsync(place)
    os.close(place)
    break
else:
    sys.exit(path + ' is being written by somebody else all the time')
python
}
