# Leaves the directory: this lineage's epoch goes, and with the last lineage all that vbs made there.
if [ -d "$store" ]; then
    first_line "$store/$card"
    case $line in
        '' | "{\"format\":1,\"identity\":\"$identity\"}") ;;
        *) vbs_gone "$store/$card says that $path is another one: $line" ;;
    esac
    vbs_enter "$store" joining
    others=
    for each in "$store"/*.json "$store"/trash/* "$store"/*.img "$store"/*.link "$store"/epoch.*; do
        exists "$each" || continue
        name=${each##*/}
        case $name in
            "$card" | "epoch.$vbs_lineage" | "epoch.$vbs_lineage.new") ;;
            *".$vbs_lineage".*) vbs_refuse "$each is still there: $path is in use by this lineage" ;;
            *.json)
                first_line "$each"
                case $line in
                    *"\"lineage\":\"$vbs_lineage\""*)
                        id=${name%.json}
                        if still_there "$id"; then vbs_refuse "$id is still there: $path is in use by this lineage"; fi
                        rm -f -- "$each" "$each.new"
                        ;;
                    *) others=yes ;;
                esac
                ;;
            *) others=yes ;;
        esac
    done
    if [ -n "$others" ]; then
        rm -f -- "$store/epoch.$vbs_lineage"
        vbs_sync "$store"
    else
        last_one_leaves
        rm -f -- "$store/epoch.$vbs_lineage" "$store/epoch.$vbs_lineage.new" "$store"/*.json.new "$store/$card" "$store/guard"
        if [ -d "$store/trash" ]; then rmdir -- "$store/trash"; fi
        rmdir -- "$store"
        vbs_sync "$path"
    fi
fi
reversed=
set -f
IFS='
'
for each in $makes; do
    reversed="$each
$reversed"
done
for each in $reversed; do
    if [ -d "$each" ]; then rmdir --ignore-fail-on-non-empty -- "$each"; fi
done
