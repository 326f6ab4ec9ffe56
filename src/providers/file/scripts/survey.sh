# Everything about every image in a few processes, however many there are.
show='%i:%.9W\t%h\t%s\t%b\t%F\t'
find "$path" -mindepth 1 -maxdepth 1 -name '*.img' -exec stat --printf="image\t$show%n\0" -- {} +
if [ -d "$store" ]; then
    find "$store" -mindepth 1 -maxdepth 1 -name '*.img' -exec stat --printf="staged\t$show%n\0" -- {} +
    if [ -d "$store/trash" ]; then
        find "$store/trash" -mindepth 1 -maxdepth 1 -name '*.img' -exec stat --printf="trash\t$show%n\0" -- {} +
    fi
fi
