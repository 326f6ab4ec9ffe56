# How every survey of a directory begins. Prints records that end in NUL; one that is not understood makes the
# whole directory unsurveyed. What cannot be looked into is an error, never an absence.
if ! [ -d "$path" ]; then
    if exists "$path"; then vbs_refuse "$path is not a directory"; fi
    missing=$path
    while :; do
        printf 'missing\t%s\0' "$missing"
        missing=${missing%/*}
        [ -n "$missing" ] || missing=/
        if [ -d "$missing" ]; then break; fi
        if exists "$missing"; then vbs_refuse "$missing is not a directory"; fi
    done
    [ -x "$missing" ] || vbs_refuse "$missing cannot be searched: permission denied"
    stat -f --printf='room\t%S %b %a\0' -- "$missing"
    exit 0
fi
[ -r "$path" ] && [ -x "$path" ] || vbs_refuse "$path cannot be read: permission denied"
if [ -L "$store" ]; then vbs_refuse "$store is a symbolic link"; fi
if exists "$store"; then
    [ -d "$store" ] && [ -r "$store" ] && [ -x "$store" ] || vbs_refuse "$store cannot be read"
    if exists "$store/$card"; then
        {
            IFS= read -r line || [ -n "$line" ] || vbs_refuse "$store/$card cannot be read"
            printf 'identity\t%s\0' "$line"
            while IFS= read -r line; do
                case $line in
                    "$lineage "*) printf 'made\t%s\0' "${line#* }" ;;
                esac
            done
        } <"$store/$card"
    fi
    if exists "$store/epoch.$lineage"; then
        IFS= read -r line <"$store/epoch.$lineage" || vbs_refuse "$store/epoch.$lineage cannot be read"
        printf 'epoch\t%s\0' "$line"
    fi
fi
stat -f --printf='room\t%S %b %a\0' -- "$path"
