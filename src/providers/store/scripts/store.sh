# What a pool and a hypervisor that are directories share. `path` is the directory, `identity` what it must say of
# itself in `card`, one line of its own under .vbs; both are read without starting a process.
store=$path/.vbs

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# The first line of a file into $line; nothing where there is no such file.
first_line() {
    line=
    if [ -f "$1" ]; then IFS= read -r line <"$1" || :; fi
}

# Ends the frame unless this is the directory that the step was planned for.
same_store() {
    if [ -L "$store" ]; then vbs_refuse "$store is a symbolic link"; fi
    if [ -L "$store/trash" ]; then vbs_refuse "$store/trash is a symbolic link"; fi
    first_line "$store/$card"
    [ "$line" = "{\"format\":1,\"identity\":\"$identity\"}" ] ||
        vbs_gone "$path is not the one this was planned for: $store/$card does not say $identity. Is the disk mounted?"
}

# Gives $1 the name $2, which nothing may have: one rename that never replaces (`mv -n` by coreutils 8.30 or newer).
# Its exit status differs between versions, so what is there afterwards decides.
appear() {
    moved=0
    mv -nT -- "$1" "$2" || moved=$?
    exists "$1" || return 0
    if exists "$2"; then vbs_refuse "$2 exists and is not ours"; fi
    exit "$((moved == 0 ? 1 : moved))"
}

# Makes $2 the mark of object $1. A mark is replaced whole or not at all.
save_mark() {
    {
        { ! exists "$store/$1.json.new" || rm -f -- "$store/$1.json.new"; } &&
            printf '%s\n' "$2" >"$store/$1.json.new" &&
            vbs_sync "$store/$1.json.new" &&
            mv -fT -- "$store/$1.json.new" "$store/$1.json"
    } || {
        saved=$?
        rm -f -- "$store/$1.json.new"
        exit "$saved"
    }
}

# Reads the beginning of the mark of object $1 and leaves the rest in $rest; $marked says whether there is a mark.
# What a killed frame left of a mark goes: the guard is held, so nobody is writing it.
read_mark() {
    if exists "$store/$1.json.new"; then rm -f -- "$store/$1.json.new"; fi
    first_line "$store/$1.json"
    marked=
    rest=
    case $line in
        "{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$1\","*)
            marked=yes
            rest=${line#"{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$1\","}
            ;;
        *) if exists "$store/$1.json"; then vbs_refuse "the mark $store/$1.json is not the one that was made"; fi ;;
    esac
}
