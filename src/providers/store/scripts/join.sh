# Takes the directory into use: makes what is missing, says what it is, and leaves this lineage's epoch.
if [ -L "$store" ]; then vbs_refuse "$store is a symbolic link; vbs keeps its marks in a directory of the pool itself"; fi
set -f
IFS='
'
# Two containers that are made at once may share a missing directory above them: whoever comes second finds it made.
for each in $makes; do
    [ -d "$each" ] || mkdir -- "$each" 2>/dev/null || [ -d "$each" ] || mkdir -- "$each"
done
unset IFS
set +f
[ -d "$path" ] || vbs_gone "$path does not exist. Is the disk mounted?"
if ! [ -d "$store" ]; then mkdir -- "$store"; fi
vbs_enter "$store" joining
first_line "$store/$card"
case $line in
    '' | "{\"format\":1,\"identity\":\"$identity\"}") ;;
    *) vbs_refuse "$store/$card says that $path is another one: $line" ;;
esac
vbs_write_epoch "$store"
if [ -z "$line" ]; then
    # Behind the identity, what this lineage made to get here: that must not be lost with its state.
    {
        printf '{"format":1,"identity":"%s"}\n' "$identity"
        set -f
        IFS='
'
        for each in $makes; do printf '%s %s\n' "$vbs_lineage" "$each"; done
        unset IFS
        set +f
    } >"$store/$card.new"
    vbs_sync "$store/$card.new"
    mv -fT -- "$store/$card.new" "$store/$card"
fi
if [ -L "$store/trash" ]; then vbs_refuse "$store/trash is a symbolic link"; fi
if ! [ -d "$store/trash" ]; then mkdir -- "$store/trash"; fi
vbs_sync "$store" "$path"
