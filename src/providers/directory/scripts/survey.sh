# Everything about every disk in a few processes, however many there are.
find "$path" -mindepth 1 -maxdepth 2 -name .vbs -prune -o -printf 'entry\t%y\t%P\0target\t%l\0'
if [ -d "$store" ]; then
    find "$store" -mindepth 1 -maxdepth 1 -name '*.link' -printf 'staged\t%y\t%f\0target\t%l\0'
fi
