# Leaves the directory: this lineage's epoch goes, and with the last lineage all that vbs made there. Where somebody
# else took the directory into use before this lineage was there, there is nothing to leave.
entered=
if [ -d "$store" ]; then
    vbs_enter "$store" joining
    entered=yes
    first_line "$store/$card"
    case $line in
        '' | "{\"format\":1,\"identity\":\"$identity\"}") ;;
        *)
            if exists "$store/epoch.$vbs_lineage"; then
                vbs_gone "$store/$card says that $path is another one: $line"
            fi
            entered=
            ;;
    esac
fi
if [ -n "$entered" ]; then
    others=
    for each in "$store"/*.json "$store"/trash/* "$store"/*.img "$store"/*.link "$store"/*.way "$store"/epoch.*; do
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
        # Files that vbs does not know stay, and the directories with them.
        if [ -d "$store/trash" ]; then rmdir --ignore-fail-on-non-empty -- "$store/trash"; fi
        rmdir --ignore-fail-on-non-empty -- "$store"
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
# A directory that two containers share is gone already for the one that comes second.
for each in $reversed; do
    [ -d "$each" ] || continue
    rmdir --ignore-fail-on-non-empty -- "$each" 2>/dev/null || ! [ -d "$each" ] || rmdir --ignore-fail-on-non-empty -- "$each"
done
