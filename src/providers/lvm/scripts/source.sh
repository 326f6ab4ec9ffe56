# Refuses a source that is not what was planned for, and leaves its facts at hand.
expect_source() {
    at "$source_name" || vbs_refuse "the source $vg/$source_name is not there"
    is "$source" || vbs_refuse "the source $vg/$source_name is not the logical volume that was made as $source"
    case $attr in
        ????I* | ????S*) vbs_refuse "the source $vg/$source_name was written over: the room set aside for it has run full" ;;
    esac
}
