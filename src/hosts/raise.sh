# Raises the epoch of this lineage at a container that it has joined. A guard that is there is waited for before the
# epoch is looked for: a command that makes the container may hold it at this moment. Nothing is made where there is
# no guard. What was in the way is printed: the epoch of a newer run, or who holds the guard.
trap 'printf "%s\n" "${vbs_found-}"' EXIT
[ -e "$vbs_guard/guard" ] || vbs_gone "$vbs_guard holds no guard"
vbs_enter "$vbs_guard" joining
[ -n "$vbs_found" ] || vbs_gone "this lineage has not been at $vbs_guard"
vbs_write_epoch "$vbs_guard"
