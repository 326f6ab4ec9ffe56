# Disks: symbolic links and their marks. The mark's rest is one JSON text that only vbs itself reads. A link that is
# not in its VM's directory carries its lineage in its name, so that it is known for ours even without a mark.
link=$path/${vm-}/${device-}
staged=$store/${id-}.${vbs_lineage-}.link

# Where a symbolic link points, into $now. The x keeps line ends that belong to the target.
target_of() {
    now=$(readlink -- "$1" && printf x)
    now=${now%?x}
}

points_to() {
    [ -L "$1" ] || return 1
    target_of "$1"
    [ "$now" = "$2" ]
}

save_disk() { save_mark "$id" "{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$id\",$mark"; }

# A VM's directory goes with its last disk if vbs made it.
leave_vm() {
    exists "$store/vm.$vm" || return 0
    if [ -d "$path/$vm" ]; then rmdir --ignore-fail-on-non-empty -- "$path/$vm"; fi
    if ! [ -d "$path/$vm" ]; then rm -f -- "$store/vm.$vm"; fi
}

take_away() {
    rm -f -- "$store/$id.json.new" "$store/$id.json" "$staged"
    leave_vm
}

# A disk's mark without a link says nothing that anybody needs.
still_there() {
    read_mark "$1"
    vm=${rest#*\"vm\":\"}
    vm=${vm%%\"*}
    device=${rest#*\"device\":\"}
    device=${device%%\"*}
    [ -L "$path/$vm/$device" ]
}

last_one_leaves() {
    for each in "$store"/vm.*; do
        if exists "$each"; then
            vm=${each##*/vm.}
            leave_vm
            rm -f -- "$each"
        fi
    done
}
