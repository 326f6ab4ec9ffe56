# What file systems are on volumes, as far as blkid knows them: a line for each volume, its path and their types. `paths` is
# lines. A partition counts as well as the whole.
set -f
IFS='
'
for each in $paths; do
    unset IFS
    [ -r "$each" ] || continue
    types=
    for start in 0 $(partx --show --noheadings --output START "$each" 2>/dev/null); do
        type= usage=
        while IFS= read -r line; do
            case $line in
                ID_FS_TYPE=*) type=${line#*=} ;;
                ID_FS_USAGE=*) usage=${line#*=} ;;
            esac
        done <<end
$(blkid -p -O "$((start * 512))" -o udev "$each" 2>/dev/null)
end
        case $usage/$type in filesystem/* | */swap) types="$types $type" ;; esac
    done
    printf '%s\t%s\n' "$each" "${types# }"
done
