# A disk of a VM: a symbolic link to the image or device, marked before it is visible.
same_store
read_mark "$id"
if points_to "$link" "$target" && [ "$rest" = "$mark" ]; then exit 0; fi
if exists "$link"; then vbs_refuse "$link exists and is not ours"; fi
[ -e "$target" ] || vbs_refuse "$target does not exist on this host: there is nothing to attach"
same_disk "$target"
if [ -L "$path/$vm" ] || { exists "$path/$vm" && ! [ -d "$path/$vm" ]; }; then
    vbs_refuse "$path/$vm exists and is not a directory"
fi
trap take_away EXIT
if ! [ -d "$path/$vm" ]; then
    : >"$store/vm.$vm"
    mkdir -- "$path/$vm"
fi
ln -sfT -- "$target" "$staged"
save_disk
appear "$staged" "$link"
trap - EXIT
vbs_sync "$store" "$path/$vm" "$path"
