# Images and their marks. A mark is one line: the beginning that read_mark knows, then
# "file":"INODE:BIRTH","made":"MTIME","name":"NAME", and the rest, which only vbs itself reads. Inode numbers are used
# again at once, so the time of birth is part of what tells a file from one that took its place. Images that are not
# under a name carry their lineage in the file name, so that they are known for ours even without a mark.
staged=$store/${id-}.${vbs_lineage-}.img
trashed=$store/trash/${id-}.${vbs_lineage-}.img

# The mark of object $1 into $marked, $file, $made, $called and $rest.
load() {
    read_mark "$1"
    file=
    made=
    called=
    [ -n "$marked" ] || return 0
    case $rest in
        '"file":"'*'","made":"'*'","name":"'*'",'*'}') ;;
        *) vbs_refuse "the mark $store/$1.json is not the one that was made" ;;
    esac
    rest=${rest#*:\"}
    file=${rest%%\"*}
    rest=${rest#*,\"made\":\"}
    made=${rest%%\"*}
    rest=${rest#*,\"name\":\"}
    called=${rest%%\"*}
    rest=${rest#*\",}
}

# save ID FILE MADE NAME REST
save() {
    save_mark "$1" "{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$1\",\"file\":\"$2\",\"made\":\"$3\",\"name\":\"$4\",$5"
}

# What identifies a file into $now_file, when it was last written into $now_made, its size into $now_size.
stamp() {
    now=$(stat -c '%i:%.9W %.9Y %s' -- "$1")
    now_file=${now%% *}
    now_size=${now##* }
    now_made=${now#* }
    now_made=${now_made%% *}
}

# Whether $1 is the file that the loaded mark speaks of.
mine() {
    [ -n "$file" ] && [ -f "$1" ] && ! [ -L "$1" ] || return 1
    stamp "$1"
    [ "$now_file" = "$file" ]
}

# Refuses unless object $id is under the name $1 with the size $2, being the very file that was made.
expect_live() {
    load "$id"
    [ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
    mine "$path/$1.img" || vbs_refuse "$path/$1.img is not the file that was made as $id"
    [ "$now_size" = "$2" ] || vbs_refuse "$path/$1.img has $now_size bytes, and $2 were planned for"
}

# Who has $1 open, into $users: as far as this user may see other users' processes; loop devices are seen always.
find_users() {
    users=$(find -L /proc/[0-9]*/fd -maxdepth 1 -samefile "$1" 2>/dev/null || :)
    for backing in /sys/block/loop*/loop/backing_file; do
        [ -r "$backing" ] || continue
        IFS= read -r held <"$backing" || :
        if [ "$held" -ef "$1" ]; then users="$users $backing"; fi
    done
}

refuse_if_open() {
    find_users "$1"
    [ -z "$users" ] || vbs_refuse "$1 is open ($(printf '%s ' $users)): stop what uses it first"
}

# One who could write into $1 now, into $writer.
find_writer() {
    writer=
    find_users "$1"
    for user in $users; do
        case $user in
            /proc/*)
                who=${user%/fd/*}
                flags=
                while read -r word value; do
                    if [ "$word" = flags: ]; then flags=$value; fi
                done <"$who/fdinfo/${user##*/}" 2>/dev/null || :
                case $flags in
                    *[0-7][04]) continue ;;
                esac
                ;;
        esac
        writer=$user
        return 0
    done
}

# Refuses where somebody could write into $1 while it is copied.
refuse_if_written() {
    find_writer "$1"
    [ -z "$writer" ] || vbs_refuse "$1 is open for writing ($writer), and the file system of $path cannot copy a file at one instant (no reflinks): stop what writes to it first"
}

# Fills the staged image with the content of object $1 and grows it to $2 bytes. `source_name` is for messages: the name
# that counts is the one in the mark, for the plan may have renamed it since.
copy_from() {
    load "$1"
    [ -n "$marked" ] || vbs_refuse "the source $source_name ($1) has no mark in $store"
    origin=$path/$called.img
    mine "$origin" || vbs_refuse "the source $origin is not the file that was made as $1"
    [ "$now_size" -le "$2" ] || vbs_refuse "the source $origin has $now_size bytes, more than the $2 that its copy is to have"
    before=$now
    if ! cp --reflink=always -- "$origin" "$staged" 2>/dev/null; then
        refuse_if_written "$origin"
        cp --sparse=always -- "$origin" "$staged"
        stamp "$origin"
        [ "$now" = "$before" ] || vbs_refuse "$origin was written to while it was copied"
    fi
    truncate -s "$2" -- "$staged"
}

# Ends the frame where $id is made already; refuses where its name or its id is taken.
not_yet() {
    load "$id"
    if mine "$path/$name.img"; then exit 0; fi
    if exists "$path/$name.img"; then vbs_refuse "$path/$name.img exists and is not ours"; fi
    if exists "$trashed"; then vbs_refuse "$id lies in the trash"; fi
}

# What a frame that fails before its image appears takes away again.
unstage() { rm -f -- "$store/$id.json.new" "$store/$id.json" "$staged"; }

# Marks the staged image and syncs it, as named $1 with the rest of the mark $2.
mark_staged() {
    vbs_sync "$staged"
    stamp "$staged"
    save "$id" "$now_file" "$now_made" "$1" "$2"
}

# What lies in the trash or is staged is there too: its mark says what it is.
still_there() {
    load "$1"
    mine "$path/$called.img" || exists "$store/$1.$vbs_lineage.img" || exists "$store/trash/$1.$vbs_lineage.img"
}

last_one_leaves() { :; }
