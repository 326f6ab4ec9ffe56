# Takes an export away that nobody is connected to.
same_store
read_mark "$id"
if [ -n "$marked" ]; then
    own_file
    look
    take_away
fi
